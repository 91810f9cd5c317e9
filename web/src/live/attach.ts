import type { Visibility } from "./clock";
import type { Connection } from "./connection";

/** Start a connection, and wake it by whatever the page tells of sleep and network, until the returned call. */
export function attach(
  connection: Pick<Connection, "start" | "stop" | "wake">,
  page: Pick<EventTarget, "addEventListener" | "removeEventListener"> = window,
  visibility: Visibility = document,
): () => void {
  const wake = () => connection.wake();
  const seen = () => {
    if (!visibility.hidden) {
      connection.wake();
    }
  };
  page.addEventListener("online", wake);
  page.addEventListener("pageshow", wake);
  visibility.addEventListener("visibilitychange", seen);
  connection.start();
  return () => {
    page.removeEventListener("online", wake);
    page.removeEventListener("pageshow", wake);
    visibility.removeEventListener("visibilitychange", seen);
    connection.stop();
  };
}
