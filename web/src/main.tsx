/** The start of the page: everything is made here once, and handed down. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Client } from "./api/client";
import { Clock } from "./live/clock";
import { Connection } from "./live/connection";
import { App } from "./ui/App";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/marks.css";
import "./styles/bar.css";
import "./styles/total.css";
import "./styles/tabs.css";
import "./styles/sources.css";
import "./styles/dialogs.css";
import "./styles/states.css";
import "./styles/toast.css";
import "./styles/table.css";
import "./styles/breakdown.css";
import "./styles/cards.css";
import "./styles/contrast.css";
import "./styles/print.css";

const portfolio = new URLSearchParams(location.search).get("portfolio");
const connection = new Connection(portfolio === null ? {} : { portfolio });
const clock = new Clock();
let newest = connection.getSnapshot().document;
connection.subscribe(() => {
  const { document: now } = connection.getSnapshot();
  if (now !== newest) {
    newest = now;
    clock.nudge();
  }
});
const root = document.getElementById("page");
if (root === null) {
  throw new Error("the index has no element #page");
}
createRoot(root).render(
  <StrictMode>
    <App connection={connection} client={new Client()} clock={clock} portfolio={portfolio} />
  </StrictMode>,
);
