/** The list of portfolios is asked for again after whatever may have changed it. */

import { describe, expect, it } from "vitest";
import type { ApiErrorKind, Portfolios as Names, Result } from "../../src/api/client";
import { Portfolios } from "../../src/live/portfolios";
import { Turned } from "./turned";

const failed = (kind: ApiErrorKind): Result<Names> => ({
  ok: false,
  error: { kind, message: "", code: null, status: null, retryAfterSeconds: null },
});
const named = (...portfolios: string[]): Result<Names> => ({ ok: true, value: { portfolios, default: "main" } });

function asked() {
  const turned = new Turned();
  const tokens: (string | null)[] = [];
  const answers: ((result: Result<Names>) => void)[] = [];
  const client = {
    portfolios: (token: string | null) => {
      tokens.push(token);
      return new Promise<Result<Names>>((done) => answers.push(done));
    },
  };
  const subject = new Portfolios(client, { now: turned.now, timers: turned, random: () => 0 });
  const say = async (result: Result<Names>) => {
    answers.at(-1)?.(result);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { turned, tokens, answers, subject, say };
}

const UP = { token: null, isDue: true, isUp: true };

describe("the list of portfolios", () => {
  it("is asked for once while nothing changes, and not before it is due", async () => {
    const { tokens, subject, say, turned } = asked();
    subject.tell({ ...UP, isDue: false });
    expect(tokens).toEqual([]);
    subject.tell(UP);
    subject.tell({ ...UP });
    await say(named("main"));
    turned.turn(3_600_000);
    expect(tokens).toEqual([null]);
    expect(subject.getSnapshot()).toEqual(["main"]);
  });

  it("is asked for again after a failure, later each time, and keeps what is known", async () => {
    const { tokens, subject, say, turned } = asked();
    subject.tell(UP);
    await say(named("main"));
    subject.tell({ ...UP, isUp: false });
    subject.tell(UP);
    for (const wait of [1_000, 2_000, 4_000]) {
      const before = tokens.length;
      await say(failed("network"));
      turned.turn(wait - 1);
      expect(tokens).toHaveLength(before);
      turned.turn(1);
      expect(tokens).toHaveLength(before + 1);
    }
    expect(subject.getSnapshot()).toEqual(["main"]);
    await say(named("main", "family"));
    expect(subject.getSnapshot()).toEqual(["main", "family"]);
    expect(turned.waiting).toBe(0);
  });

  it("is asked for again when the connection is back, and with another token, whose answer alone counts", async () => {
    const { tokens, answers, subject, say } = asked();
    subject.tell(UP);
    await say(failed("unauthorised"));
    subject.tell({ ...UP, token: "a" });
    subject.tell({ ...UP, token: "b" });
    answers[1]?.(named("of a"));
    await say(named("of b"));
    expect(subject.getSnapshot()).toEqual(["of b"]);
    subject.tell({ ...UP, token: "b", isUp: false });
    expect(tokens).toEqual([null, "a", "b"]);
    subject.tell({ ...UP, token: "b" });
    expect(tokens).toEqual([null, "a", "b", "b"]);
  });

  it("is not asked for in vain without a token, nor by what was stopped", async () => {
    const { tokens, subject, say, turned } = asked();
    subject.tell(UP);
    await say(failed("unauthorised"));
    expect(turned.waiting).toBe(0);
    subject.tell({ ...UP, token: "a" });
    await say(failed("network"));
    subject.stop();
    turned.turn(3_600_000);
    expect(tokens).toEqual([null, "a"]);
    subject.tell({ ...UP, token: "a" });
    expect(tokens, "it came back").toEqual([null, "a", "a"]);
  });
});
