// Who is signed in, and the dialog that asks again when the session ends while the page is open.
import { call, on_session_end, read_session, use_session } from "../lib/api";
import { liveness, start_live, stop_live } from "../lib/live";
import { path_to } from "../lib/router";
import { createStore } from "../lib/store";
import type { Session } from "../lib/types";

export type Standing =
  | { kind: "asking" }
  | { kind: "out"; setup_needed: boolean }
  | { kind: "in"; session: Session }
  | { kind: "failed"; error: unknown };

export const standing = createStore<Standing>({ kind: "asking" });

/** Set while the sign-in dialog stands above the page; called with the new session, or with null to leave. */
export const asking_again = createStore<{ done: (session: Session | null) => void } | null>(null);

export async function find_session(): Promise<void> {
  try {
    const answer = await call<Session>("GET", "/session", { own_session: true });
    enter(answer.data);
  } catch (error) {
    if ((error as { status?: number }).status !== 401) {
      standing.set({ kind: "failed", error });
      return;
    }
    const setup = await call<{ needed: boolean }>("GET", "/setup", { own_session: true }).catch(() => null);
    standing.set({ kind: "out", setup_needed: setup?.data.needed ?? false });
  }
}

export async function sign_in(email: string, password: string): Promise<Session> {
  return (await call<Session>("POST", "/session", { body: { email, password }, own_session: true })).data;
}

export const kPasswordMin = 12;

/** The server answers with a session of another token; those of other browsers are over. */
export async function change_password(password: string, new_password: string): Promise<void> {
  enter((await call<Session>("PUT", "/password", { body: { password, new_password } })).data);
}

export async function set_up(token: string, email: string, password: string): Promise<Session> {
  return (await call<Session>("POST", "/setup", { body: { token, email, password }, own_session: true }))
    .data;
}

export function enter(session: Session): void {
  use_session(session);
  standing.set({ kind: "in", session });
  start_live();
}

export async function sign_out(everywhere: boolean): Promise<void> {
  await call("DELETE", everywhere ? "/sessions" : "/session", { own_session: true }).catch(
    (error: unknown) => {
      if ((error as { status?: number }).status !== 401) throw error;
    },
  );
  leave();
}

// The page begins anew: nothing that it has in memory is for the next person in this tab.
function leave(): void {
  stop_live();
  use_session(null);
  for (const key of Object.keys(sessionStorage)) sessionStorage.removeItem(key);
  standing.set({ kind: "asking" });
  location.replace(path_to());
}

on_session_end(
  () =>
    new Promise<void>((resolve, reject) => {
      const now = standing.get();
      if (now.kind !== "in") {
        reject(new Error("signed out"));
        return;
      }
      const done = (session: Session | null): void => {
        asking_again.set(null);
        if (session && session.account_id === now.session.account_id) {
          enter(session);
          resolve();
        } else {
          // Somebody else signed in, or nobody: what is on the page belongs to the one before.
          leave();
          reject(new Error("signed out"));
        }
      };
      asking_again.set({ done });
    }),
  leave,
);

// A stream ends with its session: the one that comes after it may be somebody else's, of another tab.
let lost = false;
liveness.subscribe(() => {
  const now = liveness.get();
  if (now === "live" && lost) void read_session().catch(() => {}); // without one the next call asks
  lost = now === "reconnecting";
});
