/** The parts without sockets: waits, frames, clocks. */

import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { Alarm } from "../../src/live/alarm";
import { ageOf, Clock, isStaleAt } from "../../src/live/clock";
import { asFailure, bearer, Failure, parseRetryAfter, refusalOf } from "../../src/live/failure";
import { Intake } from "../../src/live/intake";
import { backoffMs, LIMITS } from "../../src/live/limits";
import { planAfter } from "../../src/live/plan";
import { Skew, writtenAt } from "../../src/live/skew";
import { Store } from "../../src/live/store";
import { sample } from "./server";
import { Turned } from "./turned";

describe("the backoff", () => {
  it("doubles to its bound, and is never less than half of that or more than all", () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, chance) => {
          const whole = Math.min(15_000, 1_000 * 2 ** Math.max(0, failures - 1));
          const wait = backoffMs(failures, 1_000, 15_000, () => chance);
          expect(wait).toBeGreaterThanOrEqual(whole / 2);
          expect(wait).toBeLessThanOrEqual(whole);
        },
      ),
    );
  });

  it("is patient enough for a server that pings each 15 seconds", () => {
    expect(LIMITS.heartbeatMs).toBeGreaterThan(15_000);
    expect(LIMITS.silenceMs).toBeGreaterThan(2 * 15_000);
    expect(LIMITS.watchMs).toBeLessThan(LIMITS.connectMs);
  });
});

describe("the plan after a stream", () => {
  const middle = () => 0.5;
  const kinds = ["network", "timeout", "silent", "closed", "too_many", "refused", "server", "broken"] as const;

  it("is to follow a good one at once, whatever failed before it", () => {
    for (const kind of kinds) {
      const before = { failures: 2, wasSteady: true, isPolling: false };
      const plan = planAfter(new Failure(kind, ""), before, LIMITS, middle);
      expect(plan).toEqual({ failures: 0, waitMs: 0, poll: false });
    }
  });

  it("is to wait longer each time, and to poll after the third", () => {
    for (const kind of kinds) {
      let failures = 0;
      const plans = [1, 2, 3, 4].map(() => {
        const plan = planAfter(new Failure(kind, ""), { failures, wasSteady: false, isPolling: false }, LIMITS, middle);
        failures = plan.failures;
        return [plan.waitMs, plan.poll];
      });
      expect(plans).toEqual([
        [750, false],
        [1_500, false],
        [30_000, true],
        [30_000, true],
      ]);
    }
  });

  it("is to poll at once where a stream is of no use, and to go on polling until one is", () => {
    const before = { failures: 0, wasSteady: false, isPolling: false };
    for (const kind of ["busy", "too_large"] as const) {
      expect(planAfter(new Failure(kind, ""), before, LIMITS, middle)).toMatchObject({ poll: true, waitMs: 30_000 });
    }
    const polling = { ...before, isPolling: true };
    expect(planAfter(new Failure("network", ""), polling, LIMITS, middle)).toMatchObject({
      poll: true,
      waitMs: 30_000,
    });
  });

  it("is never to poll for what is not there", () => {
    const before = { failures: 9, wasSteady: false, isPolling: false };
    const plan = planAfter(new Failure("not_found", ""), before, LIMITS, middle);
    expect(plan).toEqual({ failures: 10, waitMs: 11_250, poll: false });
  });
});

describe("an alarm", () => {
  it("rings once, for the last time it was set to", () => {
    const turned = new Turned();
    const ring = vi.fn();
    const alarm = new Alarm(turned, turned.now, ring);
    alarm.set(100);
    alarm.set(50);
    turned.turn(1_000);
    expect(ring).toHaveBeenCalledTimes(1);
    alarm.set(10);
    alarm.cancel();
    turned.turn(1_000);
    expect(ring).toHaveBeenCalledTimes(1);
    expect(turned.waiting).toBe(0);
  });

  it("hurried never rings before what it must wait, and never later than it would have", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000), (wait, least, passed, hurry) => {
        const turned = new Turned();
        const begun = turned.time;
        let rang: number | null = null;
        const alarm = new Alarm(turned, turned.now, () => {
          rang = turned.time - begun;
        });
        alarm.set(wait, least);
        turned.turn(passed);
        alarm.hurry(hurry);
        turned.turn(5_000);
        expect(rang).toBe(Math.min(Math.max(wait, least), Math.max(least, passed + hurry)));
      }),
    );
  });

  it("is not put off by hours when the clock is set back", () => {
    const turned = new Turned();
    const ring = vi.fn();
    const alarm = new Alarm(turned, turned.now, ring);
    alarm.set(60_000, 1_000);
    turned.time -= 3_600_000;
    alarm.hurry(0);
    turned.turn(1_000);
    expect(ring).toHaveBeenCalledTimes(1);
  });
});

describe("the intake", () => {
  it("lets one through per frame, the newest, and none is the last but the last", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 60 }), (gaps) => {
        const turned = new Turned();
        const times: number[] = [];
        const got: number[] = [];
        const intake = new Intake<number>(turned, turned.now, 16, (item) => {
          times.push(turned.time);
          got.push(item);
        });
        gaps.forEach((gap, index) => {
          turned.turn(gap);
          intake.offer(index);
        });
        turned.turn(1_000);
        expect(got[0]).toBe(0);
        expect(got.at(-1)).toBe(gaps.length - 1);
        expect([...got].sort((a, b) => a - b)).toEqual(got);
        expect(times.slice(1).every((time, index) => time - (times[index] ?? 0) >= 16)).toBe(true);
        expect(turned.waiting).toBe(0);
      }),
    );
  });

  it("leaves three quarters of the time to others, however long a state takes", () => {
    const turned = new Turned();
    let delivered = 0;
    const intake = new Intake<number>(turned, turned.now, 16, () => {
      delivered += 1;
      turned.time += 100;
    });
    const begun = turned.time;
    for (let index = 0; index < 200; index += 1) {
      intake.offer(index);
      turned.turn(10);
    }
    expect(delivered).toBeGreaterThan(2);
    expect((delivered * 100) / (turned.time - begun)).toBeLessThan(0.3);
  });

  it("forgets what waits when told to", () => {
    const turned = new Turned();
    const got: number[] = [];
    const intake = new Intake<number>(turned, turned.now, 16, (item) => got.push(item));
    intake.offer(1);
    intake.offer(2);
    intake.drop();
    turned.turn(100);
    expect(got).toEqual([1]);
  });
});

describe("the server's clock", () => {
  it("is found by the document, also where one wallet was read in the future", () => {
    const document = sample();
    const written = Date.parse("2026-11-23T04:00:00.000Z");
    document.accounts.forEach(({ wallets }, account) => {
      wallets.forEach((wallet, index) => {
        const age = account === 0 && index === 0 ? -30 : 3.5 * (index + 1);
        wallet.asOf = new Date(written - age * 1_000).toISOString();
        wallet.ageSeconds = Math.max(0, age);
      });
    });
    expect(writtenAt(document)).toBe(written);
    expect(writtenAt({ ...document, accounts: [] })).toBeNull();
  });

  it("is not set back by a document that was long on its way, but follows a clock that was set anew", () => {
    const skew = new Skew();
    let now = 1_000_000;
    expect(skew.take(500, now)).toBe(500);
    expect(skew.take(-2_500, now + 1_000)).toBe(500);
    expect(skew.take(700, now + 2_000)).toBe(700);
    now += 35_000;
    expect(skew.take(-2_000, now), "the window before still counts").toBe(700);
    now += 35_000;
    expect(skew.take(-2_000, now)).toBe(-2_000);
    now += 3_600_000;
    expect(skew.take(-3_602_000, now), "the local clock jumped ahead").toBe(-3_602_000);
    now -= 7_200_000;
    expect(skew.take(3_598_000, now), "and back").toBe(3_598_000);
  });
});

describe("ages", () => {
  it("count by the server's clock and are never negative", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -86_400_000, max: 86_400_000 }),
        fc.integer({ min: -5_000, max: 9e8 }),
        (skew, age) => {
          const at = Date.parse("2026-11-23T04:00:00.000Z");
          const got = ageOf(new Date(at).toISOString(), { serverSkewMs: skew }, at + age - skew);
          expect(got).toBeCloseTo(Math.max(0, age / 1_000), 6);
          expect(isStaleAt(new Date(at).toISOString(), { serverSkewMs: skew }, at + age - skew)).toBe(age >= 0);
        },
      ),
    );
  });

  it("of what is no moment are unknown, and it is not trusted", () => {
    expect(ageOf("soon", { serverSkewMs: 0 }, 0)).toBeNull();
    expect(isStaleAt("soon", { serverSkewMs: 0 }, 0)).toBe(true);
  });
});

describe("the clock", () => {
  const page = () => Object.assign(new EventTarget(), { hidden: false });

  it("ticks on whole seconds, with one timer for all, and not at all for nobody", () => {
    const turned = new Turned(1_700_000_000_400);
    const clock = new Clock({ now: turned.now, timers: turned, visibility: page() });
    expect(turned.waiting).toBe(0);
    const ticks: number[] = [];
    const leave = clock.subscribe(() => ticks.push(turned.time));
    const leaveToo = clock.subscribe(() => undefined);
    expect(turned.waiting).toBe(1);
    turned.turn(2_700);
    expect(ticks).toEqual([1_700_000_001_000, 1_700_000_002_000, 1_700_000_003_000]);
    expect(clock.getSnapshot()).toBe(1_700_000_003_000);
    leave();
    expect(turned.waiting).toBe(1);
    leaveToo();
    expect(turned.waiting).toBe(0);
  });

  it("tells the time with what is drawn anyway, and by itself again as soon as nothing is", () => {
    const turned = new Turned(1_700_000_000_400);
    const clock = new Clock({ now: turned.now, timers: turned, visibility: page() });
    clock.nudge();
    expect(turned.waiting, "nobody asks for the time").toBe(0);
    const ticks: number[] = [];
    const leave = clock.subscribe(() => ticks.push(turned.time - 1_700_000_000_000));
    for (let state = 0; state < 3; state += 1) {
      turned.turn(500);
      clock.nudge();
      turned.turn(500);
    }
    expect(ticks, "with the states alone").toEqual([1_900, 2_900]);
    turned.turn(2_600);
    expect(ticks.slice(2)).toEqual([4_150, 5_000, 6_000]);
    expect(turned.waiting).toBe(1);
    leave();
    clock.nudge();
    expect(turned.waiting).toBe(0);
  });

  it("rests while the page is hidden, and is right at once when it is seen again", () => {
    const turned = new Turned(1_700_000_000_000);
    const visibility = page();
    const clock = new Clock({ now: turned.now, timers: turned, visibility });
    const tick = vi.fn();
    const leave = clock.subscribe(tick);
    visibility.hidden = true;
    visibility.dispatchEvent(new Event("visibilitychange"));
    expect(turned.waiting).toBe(0);
    turned.turn(60_500);
    expect(tick).not.toHaveBeenCalled();
    visibility.hidden = false;
    visibility.dispatchEvent(new Event("visibilitychange"));
    expect(tick).toHaveBeenCalledTimes(1);
    expect(clock.getSnapshot()).toBe(1_700_000_060_000);
    leave();
    visibility.dispatchEvent(new Event("visibilitychange"));
    expect(turned.waiting).toBe(0);
  });
});

describe("a store", () => {
  it("tells of changes and of nothing else, and never changes what it gave away", () => {
    const store = new Store({ a: 1, b: "x" });
    const told = vi.fn();
    const leave = store.subscribe(told);
    const first = store.get();
    store.update({ a: 1 });
    expect(told).not.toHaveBeenCalled();
    expect(store.get()).toBe(first);
    store.update({ a: 2 });
    expect(told).toHaveBeenCalledTimes(1);
    expect(first).toEqual({ a: 1, b: "x" });
    leave();
    store.update({ a: 3 });
    expect(told).toHaveBeenCalledTimes(1);
  });
});

describe("a failure", () => {
  it("holds of a server's sentence so much, and of other bodies nothing", () => {
    const headers = new Headers();
    const long = refusalOf(403, headers, JSON.stringify({ error: "writes_off", message: "x".repeat(9_999) }), 0);
    expect(long.message.length).toBeLessThan(1_000);
    expect(long.code).toBe("writes_off");
    expect(refusalOf(502, headers, "<html>secret</html>", 0).message).not.toContain("secret");
    expect(refusalOf(400, headers, '{"error":"<b>","message":7}', 0).code).toBeNull();
    expect(asFailure(new TypeError("failed at 10.0.0.1")).message).not.toContain("10.0.0.1");
    expect(asFailure(long)).toBe(long);
  });

  it("knows both forms of Retry-After, and no third", () => {
    const now = Date.parse("2026-11-23T04:00:00Z");
    expect(parseRetryAfter("5", now)).toBe(5_000);
    expect(parseRetryAfter("Mon, 23 Nov 2026 04:00:10 GMT", now)).toBe(10_000);
    expect(parseRetryAfter("Mon, 23 Nov 2026 03:00:10 GMT", now)).toBe(0);
    for (const wrong of [null, "soon", "-5x", "99999999999999"]) {
      expect(parseRetryAfter(wrong, now)).toBeNull();
    }
  });

  it("comes of a token that no header can carry", () => {
    expect(bearer("abc")).toBe("Bearer abc");
    for (const wrong of ["", "a b", "a\r\nX: y", "ş", "x".repeat(5_000)]) {
      expect(() => bearer(wrong)).toThrow(Failure);
    }
  });
});
