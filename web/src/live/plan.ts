import type { Failure } from "./failure";
import { backoffMs, type Limits } from "./limits";

/** How things stood when a stream ended: streams that failed in a row before it, whether it was a good one, polls. */
export interface Before {
  readonly failures: number;
  readonly wasSteady: boolean;
  readonly isPolling: boolean;
}

/** What to do after a stream: try the next after this wait, and poll until then or not. */
export interface Plan {
  readonly failures: number;
  readonly waitMs: number;
  readonly poll: boolean;
}

/**
 * The plan after a stream ended. A good one is followed at once; after that each wait is longer; after some failures,
 * and where a stream is known to be of no use now, polls take over and streams are tried only now and then.
 */
export function planAfter(failure: Failure, before: Before, limits: Limits, random: () => number): Plan {
  const failures = before.wasSteady ? 0 : before.failures + 1;
  if (failure.kind === "not_found") {
    // Polls would find no more. It is asked on: after a start the api learns only by and by what there is.
    const waitMs = backoffMs(failures, limits.pollBackoffFirstMs, limits.backoffMaxMs, random);
    return { failures, waitMs, poll: false };
  }
  const isHopeless = failure.kind === "busy" || failure.kind === "too_large" || failures >= limits.streamTriesMax;
  if (isHopeless || before.isPolling) {
    return { failures, waitMs: limits.streamAgainMs, poll: true };
  }
  const waitMs = before.wasSteady ? 0 : backoffMs(failures, limits.backoffFirstMs, limits.backoffMaxMs, random);
  return { failures, waitMs, poll: false };
}
