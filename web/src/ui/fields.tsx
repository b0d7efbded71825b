// Form fields with a label, a hint and a fault that screen readers connect.
import type { ComponentChildren, Ref } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  fault?: string | null;
}

interface TextProps extends FieldProps {
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "email" | "password" | "url" | "number" | "datetime-local";
  placeholder?: string;
  autocomplete?: string;
  required?: boolean;
  minLength?: number;
  rows?: number; // makes it a text area
  mono?: boolean;
  inputRef?: Ref<HTMLInputElement>;
  disabled?: boolean;
  readOnly?: boolean | undefined;
}

function Shell({
  id,
  label,
  hint,
  fault,
  children,
}: FieldProps & { id: string; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint && (
        <div class="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {fault && (
        <div class="field-fault" id={`${id}-fault`} role="alert">
          {fault}
        </div>
      )}
    </div>
  );
}

const described = (id: string, props: FieldProps): string | undefined =>
  [props.hint && `${id}-hint`, props.fault && `${id}-fault`].filter(Boolean).join(" ") || undefined;

export function TextField(props: TextProps) {
  const id = useId();
  const common = {
    id,
    class: props.mono ? "input mono" : "input",
    value: props.value,
    placeholder: props.placeholder,
    required: props.required,
    disabled: props.disabled,
    readOnly: props.readOnly,
    "aria-invalid": props.fault ? (true as const) : undefined,
    "aria-describedby": described(id, props),
    spellcheck: props.mono ? false : undefined,
  };
  return (
    <Shell id={id} label={props.label} hint={props.hint} fault={props.fault ?? null}>
      {props.rows ? (
        <textarea
          {...common}
          rows={props.rows}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          ref={props.inputRef}
          type={(props.type ?? "text") as "text"}
          autocomplete={(props.autocomplete ?? "off") as "off"}
          minLength={props.minLength}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
    </Shell>
  );
}

export function SelectField<T extends string>(
  props: FieldProps & { value: T; options: [T, string][]; onChange: (value: T) => void },
) {
  const id = useId();
  return (
    <Shell id={id} label={props.label} hint={props.hint} fault={props.fault ?? null}>
      <select
        id={id}
        class="input"
        value={props.value}
        aria-describedby={described(id, props)}
        onChange={(event) => props.onChange(event.currentTarget.value as T)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Shell>
  );
}

export function Check(props: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ComponentChildren;
  disabled?: boolean;
}) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>{props.children}</span>
    </label>
  );
}

/** A few choices of which one holds. */
export function Segments<T extends string>(props: {
  label: string;
  value: T;
  options: [T, string][];
  onChange: (value: T) => void;
}) {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button
          type="button"
          key={value}
          aria-pressed={value === props.value}
          onClick={() => props.onChange(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

export function Tabs<T extends string>(props: {
  label: string;
  value: T;
  tabs: [T, string][];
  onChange: (value: T) => void;
  panel: string;
}) {
  const move = (event: KeyboardEvent, step: number) => {
    event.preventDefault();
    const index = props.tabs.findIndex(([value]) => value === props.value);
    const next = props.tabs[(index + step + props.tabs.length) % props.tabs.length];
    if (!next) return;
    props.onChange(next[0]);
    const list = (event.currentTarget as HTMLElement).parentElement;
    (list?.children[props.tabs.indexOf(next)] as HTMLElement | undefined)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.label}>
      {props.tabs.map(([value, text]) => (
        <button
          type="button"
          role="tab"
          key={value}
          id={`${props.panel}-${value}`}
          aria-selected={value === props.value}
          aria-controls={props.panel}
          tabIndex={value === props.value ? 0 : -1}
          onClick={() => props.onChange(value)}
          onKeyDown={(event) => {
            if (event.key === "ArrowRight") move(event, 1);
            if (event.key === "ArrowLeft") move(event, -1);
          }}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
