export function WebhooksPage(_: { agent?: string | null; conversation?: string | null; view?: string; id?: string; email?: string; message?: string }) { return <div class="page" />; }
