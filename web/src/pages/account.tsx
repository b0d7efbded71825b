// The person who is signed in: their password.
import { useState } from "preact/hooks";
import { change_password, kPasswordMin, standing } from "../app/session";
import { ApiError } from "../lib/api";
import { explain } from "../lib/explain";
import { useStore } from "../lib/store";
import { Button, PageHeader } from "../ui/basic";
import { toast } from "../ui/dialog";
import { TextField } from "../ui/fields";

export function AccountPage() {
  const now = useStore(standing);
  const email = now.kind === "in" ? now.session.email : "";
  return (
    <div class="page page-narrow">
      <PageHeader title="Your account" lead={email} />
      <Password email={email} />
    </div>
  );
}

type Place = "present" | "wanted" | "again";

function Password({ email }: { email: string }) {
  const [present, set_present] = useState("");
  const [wanted, set_wanted] = useState("");
  const [again, set_again] = useState("");
  const [fault, set_fault] = useState<{ place: Place; text: string } | null>(null);
  const [busy, set_busy] = useState(false);
  const at = (place: Place) => (fault?.place === place ? fault.text : null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (wanted.length < kPasswordMin) {
      set_fault({ place: "wanted", text: `It needs ${kPasswordMin} characters or more.` });
      return;
    }
    if (wanted !== again) {
      set_fault({ place: "again", text: "This is not what stands above." });
      return;
    }
    set_busy(true);
    set_fault(null);
    try {
      await change_password(present, wanted);
      for (const set of [set_present, set_wanted, set_again]) set("");
      toast("Changed. Every other browser is signed out.");
    } catch (error) {
      const said = explain(error);
      const refused = error instanceof ApiError && error.status === 422;
      set_fault({ place: refused ? "wanted" : "present", text: `${said.title}. ${said.advice}` });
    }
    set_busy(false);
  };
  return (
    <section class="card stack">
      <div>
        <h2>Change your password</h2>
        <p class="quiet small">
          Every other browser where you are signed in is signed out. API keys go on working.
        </p>
      </div>
      <form class="stack form-narrow" onSubmit={(event) => void submit(event)}>
        {/* Tells password managers whose it is. */}
        <input hidden type="email" autocomplete="username" value={email} readOnly />
        <TextField
          label="Present password"
          type="password"
          autocomplete="current-password"
          required
          value={present}
          onInput={set_present}
          fault={at("present")}
        />
        <TextField
          label="New password"
          type="password"
          autocomplete="new-password"
          required
          value={wanted}
          onInput={set_wanted}
          hint={`At least ${kPasswordMin} characters; three or four words do nicely.`}
          fault={at("wanted")}
        />
        <TextField
          label="New password again"
          type="password"
          autocomplete="new-password"
          required
          value={again}
          onInput={set_again}
          fault={at("again")}
        />
        <div>
          <Button type="submit" kind="primary" busy={busy}>
            Change it
          </Button>
        </div>
      </form>
    </section>
  );
}
