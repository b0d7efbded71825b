// Signing in, the first run, and signing in again above the page.
import { useState } from "preact/hooks";
import { explain } from "../lib/explain";
import { ApiError } from "../lib/api";
import { navigate } from "../lib/router";
import type { Session } from "../lib/types";
import { Button, Note } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/fields";
import { Mark } from "../ui/icons";
import { enter, kPasswordMin, set_up, sign_in } from "./session";

function Front({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: string;
  children: preact.ComponentChildren;
}) {
  return (
    <main class="front">
      <div class="front-card">
        <div class="row-tight front-mark">
          <Mark size={32} />
          <strong>Countersign</strong>
        </div>
        <h1>{title}</h1>
        {lead && <p class="quiet">{lead}</p>}
        {children}
      </div>
      <p class="small quiet front-foot">
        What your agents want to send waits here until a person has read it.
      </p>
    </main>
  );
}

function said(error: unknown): string {
  if (error instanceof ApiError && error.status === 403) {
    return "This link has been used, or is not complete. Start the server again: it prints a new one while no account has a password.";
  }
  const text = explain(error);
  return `${text.title}. ${text.advice}`;
}

export function SignIn({ setup_needed }: { setup_needed: boolean }) {
  const [email, set_email] = useState("");
  const [password, set_password] = useState("");
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    set_busy(true);
    set_fault(null);
    try {
      enter(await sign_in(email.trim(), password));
    } catch (error) {
      set_fault(said(error));
      set_busy(false);
    }
  };
  return (
    <Front title="Sign in">
      {setup_needed && (
        <Note tone="accent">
          <strong>No password has been chosen yet.</strong> Open the set-up link that{" "}
          <code>countersign serve</code> printed when it started; it looks like <code>/console/setup#…</code>.
        </Note>
      )}
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <TextField
          label="E-mail"
          type="email"
          autocomplete="username"
          required
          value={email}
          onInput={set_email}
        />
        <TextField
          label="Password"
          type="password"
          autocomplete="current-password"
          required
          value={password}
          onInput={set_password}
          fault={fault}
        />
        <Button type="submit" kind="primary" busy={busy}>
          Sign in
        </Button>
      </form>
    </Front>
  );
}

export function SetUp() {
  const [token] = useState(() => location.hash.slice(1));
  const [email, set_email] = useState("");
  const [password, set_password] = useState("");
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (password.length < kPasswordMin) {
      set_fault(`It needs ${kPasswordMin} characters or more; three or four words do nicely.`);
      return;
    }
    set_busy(true);
    set_fault(null);
    try {
      const session = await set_up(token, email.trim(), password);
      navigate("/console/", { replace: true }); // the token leaves the address bar
      enter(session);
    } catch (error) {
      set_fault(said(error));
      set_busy(false);
    }
  };
  if (token === "") {
    return (
      <Front
        title="The link is not complete"
        lead="Copy the whole line that the server printed, with everything after the #."
      >
        <a href="/console/">Sign in instead</a>
      </Front>
    );
  }
  return (
    <Front title="Welcome" lead="Choose how you sign in here. This link works once.">
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <TextField
          label="E-mail"
          type="email"
          autocomplete="username"
          required
          value={email}
          onInput={set_email}
          hint="The address of the account: the one given to countersign bootstrap or scripts/run."
        />
        <TextField
          label="Password"
          type="password"
          autocomplete="new-password"
          required
          value={password}
          onInput={set_password}
          hint={`At least ${kPasswordMin} characters.`}
          fault={fault}
        />
        <Button type="submit" kind="primary" busy={busy}>
          Open the console
        </Button>
      </form>
    </Front>
  );
}

/** Over the page, which stays as it is: nothing that was typed is lost. */
export function SignInAgain({ email, done }: { email: string; done: (session: Session | null) => void }) {
  const [password, set_password] = useState("");
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const submit = async () => {
    set_busy(true);
    set_fault(null);
    try {
      done(await sign_in(email, password));
    } catch (error) {
      set_fault(said(error));
      set_busy(false);
    }
  };
  return (
    <Dialog
      title="Your session has ended"
      onClose={() => undefined}
      onSubmit={() => void submit()}
      actions={
        <>
          <Button onClick={() => done(null)}>Leave the page</Button>
          <Button type="submit" kind="primary" busy={busy}>
            Continue
          </Button>
        </>
      }
    >
      <p>
        Sign in again as <strong>{email}</strong>. Everything on the page behind is kept, and what you were
        about to do is done afterwards.
      </p>
      <TextField
        label="Password"
        type="password"
        autocomplete="current-password"
        required
        value={password}
        onInput={set_password}
        fault={fault}
      />
    </Dialog>
  );
}
