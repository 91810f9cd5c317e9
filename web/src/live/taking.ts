import { readDocument } from "./document";
import { Failure } from "./failure";
import { Skew, writtenAt } from "./skew";
import type { ConnectionState } from "./state";

/** A document's text, when it came, and what the answer's Date header said of the clocks. */
export interface Arrival {
  readonly text: string;
  readonly at: number;
  readonly dateSkewMs: number | null;
}

/** Turns what comes into what of the state it changes. */
export class Taking {
  readonly #skew = new Skew();

  /** The change; or why there is none: the text is no document. Of a document too new to understand only that is said. */
  take({ text, at, dateSkewMs }: Arrival, state: ConnectionState): Partial<ConnectionState> | Failure {
    const reading = readDocument(text);
    if (reading.kind === "broken") {
      return new Failure("broken", reading.message);
    }
    if (reading.kind === "unsupported") {
      const { schemaVersion } = reading;
      return {
        unsupported: state.unsupported?.schemaVersion === schemaVersion ? state.unsupported : { schemaVersion },
      };
    }
    const { document } = reading;
    const written = writtenAt(document);
    const estimate = written === null ? dateSkewMs : written - at;
    const serverSkewMs = estimate === null ? state.serverSkewMs : this.#skew.take(estimate, at);
    return { document, unsupported: null, receivedAt: at, serverSkewMs };
  }
}
