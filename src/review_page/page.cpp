#include "review_page/page.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"

namespace countersign::review_page {
namespace {

// Colours keep a contrast of 4.5 to 1 in both schemes (WCAG 2.2, 1.4.3); what is pressed is 44 pixels high.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--page:#f3f4f6;--card:#fff;--line:#d9dde4;--text:#16181d;--soft:#555c69;
--go:#17703f;--stop:#b42318;--info:#2d5bd0;--field:#fff;--quote:#f7f8fa}
@media (prefers-color-scheme:dark){:root{--page:#14161a;--card:#1e2229;--line:#363c47;--text:#eceef2;--soft:#a7aebb;
--go:#1f8a50;--stop:#d0392c;--info:#8fb0ff;--field:#14161a;--quote:#171a20}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:640px;margin:0 auto;padding:20px 16px 48px}
.brand{color:var(--soft);font-size:14px;margin:4px 0 14px;letter-spacing:.02em}
.card{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--accent);border-radius:12px;
padding:20px;overflow-wrap:anywhere}
.ask_approve,.done{--accent:var(--go)}.ask_reject{--accent:var(--stop)}.closed,.trouble{--accent:var(--info)}
h1{font-size:22px;line-height:1.3;margin:0 0 8px}
h2{font-size:14px;color:var(--soft);font-weight:600;margin:20px 0 6px}
p{margin:0 0 12px}
dl{margin:16px 0 0;display:grid;grid-template-columns:minmax(88px,auto) 1fr;gap:6px 14px}
dt{color:var(--soft)}dd{margin:0;min-width:0}
pre{font:14px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;
background:var(--quote);border:1px solid var(--line);border-radius:8px;padding:12px;margin:0;max-height:46vh;
overflow:auto;unicode-bidi:plaintext}
.note{color:var(--soft);font-size:14px;margin:10px 0 0}
form{margin-top:20px}
label{display:block;font-weight:600;margin:0 0 6px}
textarea{width:100%;min-height:88px;padding:10px;border:1px solid var(--soft);border-radius:8px;
background:var(--field);color:var(--text);font:inherit;margin:0 0 14px}
.row{display:flex;flex-wrap:wrap;gap:12px;align-items:center}
button{min-height:48px;padding:0 26px;border:0;border-radius:10px;background:var(--accent);color:#fff;
font:inherit;font-weight:600;cursor:pointer}
a{color:var(--text);padding:12px 4px}
:focus-visible{outline:3px solid var(--info);outline-offset:2px}
@media (max-width:480px){button{width:100%}.row{justify-content:center}.card{padding:18px 16px}
dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 8px}}
)css";

std::string_view name_of(Tone tone) {
  switch (tone) {
    case Tone::ask_approve:
      return "ask_approve";
    case Tone::ask_reject:
      return "ask_reject";
    case Tone::done:
      return "done";
    case Tone::closed:
      return "closed";
    case Tone::trouble:
      return "trouble";
  }
  CS_ASSERT(false);
}

const std::string& policy() {
  static const std::string text = [] {
    const Sha256 digest = sha256(kStyle);
    const std::string hash = base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
    return fmt::format(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors "
        "'none'",
        hash);
  }();
  return text;
}

// What would reorder the text around it is shown by its name instead (UAX #9, the overrides), and a control
// as a blank.
std::string plainly(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view at = text.substr(i, 3);
    if (at == "\xe2\x80\xad" || at == "\xe2\x80\xae") {
      out += at[2] == '\xad' ? "[U+202D]" : "[U+202E]";
      i += 2;
    } else {
      const auto c = static_cast<unsigned char>(text[i]);
      out += (c < 0x20 && c != '\n') || c == 0x7f ? ' ' : text[i];
    }
  }
  return out;
}

std::string form_html(const Form& form) {
  std::string out =
      fmt::format("<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"t\" value=\"{}\">",
                  escape_html(form.action), escape_html(form.token));
  if (form.asks_reason) {
    out +=
        "<label for=\"reason\">Why? (the agent sees this)</label><textarea id=\"reason\" name=\"reason\" "
        "maxlength=\"2000\"></textarea>";
  }
  out += fmt::format("<div class=\"row\"><button type=\"submit\">{}</button>", escape_html(form.label));
  if (!form.other_href.empty()) {
    out += fmt::format("<a href=\"{}\">{}</a>", escape_html(form.other_href), escape_html(form.other_label));
  }
  return out + "</div></form>";
}

}  // namespace

net::Response render(const Page& page) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><meta "
      "name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light "
      "dark\"><meta "
      "name=\"robots\" content=\"noindex, nofollow\"><style>{1}</style></head><body><main><p class=\"brand\">"
      "Countersign review</p><section class=\"card {2}\"><h1>{0}</h1>",
      escape_html(page.title), kStyle, name_of(page.tone));
  if (!page.message.empty()) html += fmt::format("<p>{}</p>", escape_html(page.message));
  if (!page.facts.empty()) {
    html += "<dl>";
    for (const auto& [name, value] : page.facts) {
      html += fmt::format("<dt>{}</dt><dd dir=\"auto\">{}</dd>", escape_html(name), escape_html(value));
    }
    html += "</dl>";
  }
  if (!page.body.empty()) {
    html += fmt::format("<h2>{}</h2><pre tabindex=\"0\" dir=\"auto\">{}</pre>", escape_html(page.body_title),
                        escape_html(plainly(page.body)));
    if (page.body_cut) html += "<p class=\"note\">The rest is not shown here.</p>";
  }
  if (!page.note.empty()) html += fmt::format("<p class=\"note\">{}</p>", escape_html(page.note));
  if (page.form) html += form_html(*page.form);
  html += "</section></main></body></html>\n";

  net::Response response;
  response.status = page.status;
  response.headers.add("Content-Type", "text/html; charset=utf-8");
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("Content-Security-Policy", policy());
  response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.add("X-Frame-Options", "DENY");
  response.headers.add("X-Robots-Tag", "noindex, nofollow");
  response.headers.add("Cross-Origin-Opener-Policy", "same-origin");
  response.body = std::move(html);
  return response;
}

}  // namespace countersign::review_page
