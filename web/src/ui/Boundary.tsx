/** Catches a mistake of ours, so that it is a message and not a blank page. */

import { Component, type ReactNode } from "react";
import { useTranslations } from "use-intl";

interface BoundaryProps {
  readonly children: ReactNode;
}

/** What stands below it either works or is replaced by a message. */
export class Boundary extends Component<BoundaryProps, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <Crash /> : this.props.children;
  }
}

function Crash() {
  const t = useTranslations("crash");
  return (
    <main className="page">
      <section className="card" role="alert" data-testid="crash">
        <h1>{t("title")}</h1>
        <p>{t("text")}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          {t("reload")}
        </button>
      </section>
    </main>
  );
}
