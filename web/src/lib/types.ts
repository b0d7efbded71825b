// What the server answers: the /v1 structures that the console reads, and its own (API.md).
export type Direction = "inbound" | "outbound";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Session {
  email: string;
  account_id: string;
  csrf_token: string;
  version: string;
  shared_domain: string;
}

export interface HoldReason {
  type: string;
  code: string;
  summary: string;
  detail?: string;
  category?: string;
  confidence?: number;
}

export interface Hold {
  id: string;
  agent_email: string;
  direction: Direction;
  header_from: string | null;
  envelope_from: string | null;
  verified_domain: string | null;
  to: string[];
  subject: string;
  conversation_id?: string;
  review_status: string;
  created_at: string;
  flagged?: boolean;
  flag_reason?: string;
  hold_reason?: HoldReason;
  approval_expires_at?: string;
  on_expiry?: "approve" | "reject";
  revision?: number;
  attachment_count?: number;
  snippet?: string;
}

export interface HoldPage extends Page<Hold> {
  total: number;
}

export interface Finding {
  source: string;
  action?: string;
  score?: number;
  summary?: string;
  detector?: string;
  categories?: { name: string; score?: number }[] | null;
}

export interface MessageSummary {
  id: string;
  direction: Direction;
  header_from: string | null;
  to: string[];
  cc?: string[];
  subject: string;
  conversation_id?: string;
  read_status: string;
  labels: string[];
  review_status?: string;
  delivery_status?: string;
  delivery_detail?: string;
  flagged?: boolean;
  size_bytes?: number;
  created_at: string;
  deleted_at?: string;
}

export interface Message extends MessageSummary {
  envelope_from: string | null;
  verified_domain: string | null;
  authentication: Authentication | null;
  cc: string[];
  reply_to: string[];
  body?: { text?: string; html?: string };
  hold_reason?: HoldReason;
  protection?: Finding[] | null;
  flag_reason?: string;
  sent_as?: string;
  draft?: {
    bcc: string[];
    reply_to: string;
    attachments: { filename: string; content_type: string; size_bytes: number }[];
  };
}

export interface Authentication {
  spf: { status: string; domain?: string | null };
  dkim: { status: string; domain?: string | null }[];
  dmarc: { status: string; domain?: string | null; policy?: string | null };
}

export interface BodyAttachment {
  index: number;
  filename: string;
  content_type: string;
  size: number;
  content_id?: string;
}

export interface Warning {
  code: string;
  text: string;
}

export interface Decision {
  as: string;
  by: string;
  at: string;
  reason?: string;
  edited?: boolean;
}

export interface Body {
  text: string;
  html: string;
  headers: [string, string][];
  source_url: string | null;
  attachments: BodyAttachment[];
  warnings: Warning[];
  hold: Hold | null;
  decision: Decision | null;
}

export interface ApproveResult {
  status: string;
  message_id: string;
  edited?: boolean;
  undo_token?: string | null;
  undo_until?: string | null;
}

export interface TimelineItem {
  at: string;
  kind: string;
  actor: string;
  title: string;
  detail: Record<string, unknown>;
  attempt: number | null;
}

export interface Handover {
  id: string;
  message_id: string;
  agent_email: string;
  subject: string;
  attempt: number;
  state: string;
  recipients: string[];
  provider?: string;
  provider_message_id?: string;
  reply?: { phase?: string; code?: number; text: string };
  created_at: string;
  due_at: string;
  handed_over_at?: string;
  unknown_at?: string;
  resend_at?: string;
  settled_at?: string;
  settled_by?: string;
  resolution?: { as: string; by: string; note?: string };
}

export interface HourlySeconds {
  at: string;
  p50: number | null;
  p90: number | null;
  count: number;
}

export interface Overview {
  now: string;
  health: "ok" | "degraded";
  held: number;
  oldest_held_at: string | null;
  queued: number;
  oldest_queued_at: string | null;
  unknown: number;
  relay: { transport: string; state: "closed" | "open"; since: string | null; last_error: string | null };
  webhooks_failing: number;
  inbound_backlog: number;
  decision_seconds: HourlySeconds[];
  delivery_seconds: HourlySeconds[];
}

export interface Agent {
  email: string;
  name: string;
  domain: string;
  registered_domain: string;
  domain_verified: boolean;
  created_at: string;
  deleted_at?: string;
}

export interface Gate {
  policy?: "open" | "allowlist" | "domain";
  action?: "flag" | "review" | "block";
  allowlist?: string[];
}

export interface ProtectionDirection {
  gate: Gate;
  scan: { sensitivity?: "off" | "low" | "medium" | "high" };
}

export interface Protection {
  inbound: ProtectionDirection;
  outbound: ProtectionDirection;
  holds: { ttl_seconds?: number; on_expiry?: "approve" | "reject"; suppress_notifications?: boolean };
}

export interface DryRun {
  checked: number;
  would_hold: number;
  would_block?: number;
  would_flag?: number;
  examples: {
    id: string;
    direction: Direction;
    from: string;
    to: string[];
    subject: string;
    at: string;
    action?: string;
    reason?: string;
  }[];
}

export interface DeliveryPolicy {
  on_unknown: "hold" | "resend";
  unknown_grace_seconds: number;
}

export interface ApiKey {
  id: string;
  name: string;
  key_prefix: string;
  scope: string;
  agent_email?: string;
  created_at: string;
  expires_at?: string;
  last_used_at?: string;
}

export interface Webhook {
  id: string;
  url: string;
  description: string;
  events: string[];
  filters: { agent_emails?: string[]; conversation_ids?: string[]; labels?: string[] };
  enabled: boolean;
  created_at: string;
  auto_disabled_at?: string;
  last_delivered_at?: string;
}

export interface WebhookDelivery {
  id: string;
  type: string;
  status: "pending" | "delivered" | "failed";
  attempts: number;
  last_error?: string;
  last_status_code?: number;
  last_attempt_at?: string;
  next_retry_at: string;
  created_at: string;
}

export interface EventRow {
  id: string;
  type: string;
  schema_version: string;
  created_at: string;
  status: string;
  agent_email?: string;
  message_id?: string;
  conversation_id?: string;
  data: Record<string, unknown>;
  delivery_status?: { matched_webhooks: number; delivered: number; pending: number; failed: number };
}

export interface Conversation {
  id: string;
  last_message_at: string;
  first_message_at: string;
  message_count: number;
  inbound_count: number;
  outbound_count: number;
  has_unread: boolean;
  latest_subject: string;
  latest_from: string;
  participants?: string[];
  messages?: MessageSummary[];
}

export interface Suppression {
  address: string;
  source: string;
  reason?: string;
  created_at: string;
  source_message_id?: string;
}
