// Calls to the server: the CSRF token, the error envelope, and what happens when the session ends in the
// middle of work.
import type { Session } from "./types";

const kApi = "/console/api";
const kTimeoutMs = 30_000;
const kUploadBytesPerMs = 64; // slower than half a megabit per second counts as no connection

/** What the server, or the way to it, said instead of an answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: there was no answer
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
    readonly request_id = "",
    readonly retry_after_seconds: number | null = null,
  ) {
    super(message);
  }

  /** The operation does not exist on this server, rather than the thing it is about. */
  get missing_operation(): boolean {
    return this.status === 501 || this.status === 405 || (this.status === 404 && this.code === "no_envelope");
  }
}

export interface Answer<T> {
  status: number;
  data: T;
  etag: string | null;
}

export interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Answer 401 to the caller instead of asking for the password. */
  own_session?: boolean;
}

let session: Session | null = null;
let renew: (() => Promise<void>) | null = null;
let leave: (() => void) | null = null;
let renewing: Promise<void> | null = null;

export const current_session = (): Session | null => session;

export function use_session(next: Session | null): void {
  session = next;
}

/**
 * `ask` shows the sign-in dialog and resolves when there is a session again; it rejects when the person gives
 * up. `changed` is told when the session is another account's: nothing of this page is for that one.
 */
export function on_session_end(ask: () => Promise<void>, changed: () => void): void {
  renew = ask;
  leave = changed;
}

/** Reads the session anew. Rejects when it is somebody else's, who signed in in another tab. */
export async function read_session(): Promise<void> {
  const found = (await once<Session>("GET", "/session", { own_session: true })).data;
  if (found.account_id !== session?.account_id) {
    session = null;
    leave?.();
    throw new Error("signed out");
  }
  session = found;
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  try {
    return await once<T>(method, path, options);
  } catch (error) {
    if (!(error instanceof ApiError) || options.own_session) throw error;
    if (error.status === 401 && renew) {
      renewing ??= renew().finally(() => (renewing = null));
      await renewing;
      return await once<T>(method, path, options);
    }
    if (error.status === 403 && error.code === "csrf_mismatch") {
      await read_session();
      return await once<T>(method, path, options);
    }
    throw error;
  }
}

function headers_of(method: string, options: Options): Headers {
  const headers = new Headers(options.headers);
  headers.set("Accept", "application/json");
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  if (method !== "GET" && session) headers.set("X-CSRF-Token", session.csrf_token);
  return headers;
}

async function once<T>(method: string, path: string, options: Options): Promise<Answer<T>> {
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  const timeout = AbortSignal.timeout(kTimeoutMs + Math.ceil((body?.length ?? 0) / kUploadBytesPerMs));
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const headers = headers_of(method, options);
  let response: Response;
  let text: string;
  try {
    response = await fetch(kApi + path, {
      method,
      headers,
      body,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal,
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const late = (error as Error).name === "TimeoutError";
    throw new ApiError(
      0,
      (late ? "timeout" : "offline") + (headers.has("Idempotency-Key") ? "_keyed" : ""),
      late ? "No answer in time." : "The server cannot be reached.",
    );
  }
  const data = parse(text);
  if (!response.ok) throw error_of(response, data);
  return { status: response.status, data: data as T, etag: response.headers.get("ETag") };
}

function parse(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** The error envelope (contract §2) of a response that is not a success. */
export function error_of(response: Response, data: unknown): ApiError {
  const envelope = (data as { error?: Record<string, unknown> } | null)?.error;
  const retry_after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ApiError(
    response.status,
    typeof envelope?.["code"] === "string" ? envelope["code"] : "no_envelope",
    typeof envelope?.["message"] === "string"
      ? envelope["message"]
      : `The server answered ${response.status}.`,
    (envelope?.["details"] as Record<string, unknown> | undefined) ?? {},
    typeof envelope?.["request_id"] === "string"
      ? envelope["request_id"]
      : (response.headers.get("X-Request-Id") ?? ""),
    Number.isFinite(retry_after) ? retry_after : null,
  );
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call<T>("GET", path, signal ? { signal } : {})).data;
}

export async function post<T>(
  path: string,
  body: unknown = {},
  headers: Record<string, string> = {},
): Promise<T> {
  return (await call<T>("POST", path, { body, headers })).data;
}

export async function send<T>(method: "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
  return (await call<T>(method, path, body === undefined ? {} : { body })).data;
}

/** For one deed: whatever is sent again under it is done once (`crypto.randomUUID` needs https). */
export function idempotency_key(): Record<string, string> {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { "Idempotency-Key": Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("") };
}

/** A path from a template whose interpolations are segments: escaped, whatever they hold. */
export function at(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  return strings.reduce((path, part, i) => path + encodeURIComponent(String(values[i - 1])) + part);
}

/** A query string of what is set. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}
