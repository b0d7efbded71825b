#include "screen/deception.hpp"

#include <libpsl.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "mail/utf8.hpp"
#include "screen/fold.hpp"
#include "screen/punycode.hpp"

namespace countersign::screen {
namespace {

// Names that phishing borrows most, without regard to their owners' many domains: a host is theirs when its
// organisational domain begins with the name.
constexpr std::array<std::string_view, 34> kBorrowed{
    "paypal",      "microsoft",  "office365", "outlook",   "apple",     "icloud",    "amazon",
    "netflix",     "google",     "facebook",  "instagram", "linkedin",  "dhl",       "fedex",
    "ups",         "usps",       "docusign",  "dropbox",   "adobe",     "coinbase",  "binance",
    "stripe",      "wellsfargo", "chase",     "hsbc",      "santander", "sparkasse", "postbank",
    "commerzbank", "laposte",    "correos",   "netbank",   "metamask",  "whatsapp"};

bool is_borrowed(std::string_view name) { return std::ranges::find(kBorrowed, name) != kBorrowed.end(); }

struct Url {
  std::string scheme;
  std::string userinfo;
  std::string host;  // lower case, without port
  std::string path;  // with the query
};

bool is_slash(char c) { return c == '/' || c == '\\'; }

// A URL without what its readers take out first: controls and blanks around it, tabs and line ends anywhere
// (WHATWG URL §4.4).
std::string without_blanks(std::string_view url) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!url.empty() && blank(url.front())) url.remove_prefix(1);
  while (!url.empty() && blank(url.back())) url.remove_suffix(1);
  std::string out(url);
  std::erase_if(out, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  return out;
}

// Takes the scheme off and gives it; "" when there is none that leads to a host. Behind http and https, any
// number of slashes of either kind will do (WHATWG URL §4.4, special authority slashes state); a URL of a
// mail without a scheme is opened with one of them.
std::string take_scheme(std::string_view& url) {
  constexpr std::size_t kSchemeMax = 12;
  if (url.size() >= 2 && is_slash(url[0]) && is_slash(url[1])) {
    url.remove_prefix(2);
    return "https";
  }
  const auto colon = url.substr(0, kSchemeMax + 1).find(':');
  if (colon == std::string_view::npos) return {};
  std::string scheme = ascii_lower(url.substr(0, colon));
  url.remove_prefix(colon + 1);
  if (scheme == "http" || scheme == "https") {
    while (!url.empty() && is_slash(url.front())) url.remove_prefix(1);
    return scheme;
  }
  if (!url.starts_with("//")) return {};
  url.remove_prefix(2);
  return scheme;
}

// Of what without_blanks gives.
std::optional<Url> parse_url(std::string_view text) {
  Url url;
  url.scheme = take_scheme(text);
  if (url.scheme.empty()) return std::nullopt;
  const bool web = url.scheme == "http" || url.scheme == "https";
  const std::size_t end = std::min(text.find_first_of(web ? "/\\?#" : "/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  url.path = text.substr(end);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    url.userinfo = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  if (!authority.starts_with('[')) authority = authority.substr(0, authority.find(':'));
  url.host = ascii_lower(authority);
  if (url.host.ends_with('.')) url.host.pop_back();
  if (url.host.empty()) return std::nullopt;
  return url;
}

std::vector<std::string_view> pieces(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool is_number_host(std::string_view host) {
  return host.starts_with('[') || (host.find_first_not_of("0123456789.x") == std::string_view::npos &&
                                   host.find_first_of("0123456789") != std::string_view::npos);
}

bool is_private_host(std::string_view host) {
  return host.starts_with("10.") || host.starts_with("127.") || host.starts_with("192.168.") ||
         host.starts_with("172.16.") || host.starts_with("169.254.") || host == "[::1]";
}

// `paypa1` and `rnicrosoft` as they are read.
std::string as_read(std::string_view label) {
  std::string out;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const std::string_view two = label.substr(i, 2);
    if (two == "rn" || two == "vv") {
      out.push_back(two == "rn" ? 'm' : 'w');
      ++i;
      continue;
    }
    switch (label[i]) {
      case '0':
        out.push_back('o');
        break;
      case '1':
        out.push_back('l');
        break;
      case '3':
        out.push_back('e');
        break;
      case '5':
        out.push_back('s');
        break;
      default:
        out.push_back(label[i]);
    }
  }
  return out;
}

// The host in Unicode holds letters that pass for Latin ones.
bool imitates_letters(std::string_view host) {
  const std::string shown = to_unicode(host);
  for (const std::string_view label : pieces(shown, ".")) {
    std::size_t alike = 0;
    std::size_t latin = 0;
    std::size_t other = 0;
    for (std::size_t i = 0; i < label.size();) {
      const mail::CodePoint c = mail::code_point_at(label, i);
      i += c.bytes;
      const bool ascii = c.value >= U'a' && c.value <= U'z';
      latin += static_cast<std::size_t>(ascii);
      alike += static_cast<std::size_t>(!ascii && latin_lookalike(c.value) != '\0');
      other += static_cast<std::size_t>(c.value >= 0x250 && latin_lookalike(c.value) == '\0');
    }
    if (alike > 0 && (latin > 0 || other == 0)) return true;
  }
  return false;
}

class LinkReader {
 public:
  LinkReader(const Content& content, const Tone& tone)
      : tone_(tone),
        sender_(organisation(mail::domain_of(content.from_address))),
        verified_(!content.verified_domain.empty()) {}

  LinkReading run(const std::vector<Link>& links) {
    for (const Link& link : links) read(link);
    return std::move(out_);
  }

 private:
  void read(const Link& link) {
    const std::string target = without_blanks(link.url);
    const std::string start = ascii_lower(std::string_view(target).substr(0, 64));
    if (start.starts_with("data:text/html") || start.starts_with("data:application/") ||
        start.starts_with("data:image/svg") || start.starts_with("data:text/javascript")) {
      add("encoded_payload.data_uri", Category::encoded_payload, 0.55,
          "A link carries a page or script inside itself.", link.url);
    } else if (start.starts_with("javascript:") || start.starts_with("vbscript:")) {
      add("phishing.script_link", Category::phishing, 0.5, "A link runs a script.", link.url);
    }
    const auto url = parse_url(target);
    if (!url || (url->scheme != "http" && url->scheme != "https")) return;
    out_.any = true;
    const std::string owner = organisation(url->host);
    if (owner != sender_) out_.foreign = true;
    read_host(link, *url, owner);
    read_text(link, *url, owner);
    read_path(link, *url);
  }

  void read_host(const Link& link, const Url& url, std::string_view owner) {
    if (!url.userinfo.empty() && url.userinfo.find('.') != std::string::npos) {
      add("phishing.userinfo", Category::phishing, 0.6, "A link begins with a name that is not its host.",
          link.url);
    }
    if (is_number_host(url.host)) {
      if (!is_private_host(url.host))
        add("phishing.number_host", Category::phishing, 0.4, "A link leads to a bare number.", link.url);
      return;
    }
    if (imitates_letters(url.host)) {
      add("phishing.lookalike_letters", Category::phishing, 0.6,
          "A link's host imitates Latin letters with others.", link.url);
    }
    const std::string_view name = owner.substr(0, owner.find('.'));
    if (is_borrowed(name)) return;
    for (const std::string_view piece : pieces(url.host, ".-")) {
      const std::string read = as_read(piece);
      if (piece != read && is_borrowed(read)) {
        add("phishing.misspelled_host", Category::phishing, 0.6,
            "A link's host is spelled like a well-known name.", link.url);
      } else if (is_borrowed(piece) && owner != sender_) {
        add("phishing.borrowed_host", Category::phishing, 0.45, "A link's host borrows a well-known name.",
            link.url);
      }
    }
  }

  // Shown text that is itself an address of another place.
  void read_text(const Link& link, const Url& url, std::string_view owner) {
    const std::string shown = ascii_lower(trim(link.text));
    if (shown.empty() || shown.size() > 200 || shown.find_first_of(" \n@") != std::string::npos) return;
    const bool with_scheme = shown.starts_with("http://") || shown.starts_with("https://");
    if (!with_scheme && shown.find('.') == std::string::npos) return;
    const auto claimed = parse_url(with_scheme ? shown : "http://" + shown);
    if (!claimed || !has_public_suffix(claimed->host)) return;
    const std::string claimed_owner = organisation(claimed->host);
    if (claimed_owner == owner || is_number_host(claimed->host)) return;
    // Newsletters count clicks on their own links through another host.
    const bool own = claimed_owner == sender_ && verified_;
    const double score = own ? 0.05 : tone_.credentials || tone_.money ? 0.55 : tone_.pressure ? 0.45 : 0.25;
    add("phishing.other_target", Category::phishing, score,
        fmt::format("A link shows {} and leads to {}.", claimed->host, url.host), link.url);
  }

  static bool has_public_suffix(const std::string& host) {
    return host.find('.') != std::string::npos &&
           psl_is_public_suffix2(psl_builtin(), host.substr(host.rfind('.') + 1).c_str(),
                                 PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
  }

  void read_path(const Link& link, const Url& url) {
    static constexpr std::array<std::string_view, 11> kPrograms{
        ".exe", ".scr", ".hta", ".vbs", ".iso", ".lnk", ".bat", ".cmd", ".ps1", ".jar", ".msi"};
    const std::string path = ascii_lower(std::string_view(url.path).substr(0, url.path.find_first_of("?#")));
    if (std::ranges::any_of(kPrograms, [&](std::string_view end) { return path.ends_with(end); })) {
      add("phishing.program_link", Category::phishing, 0.35, "A link leads to a program.", link.url);
    }
  }

  void add(std::string code, Category category, double score, std::string summary, std::string_view excerpt) {
    for (Finding& one : out_.findings) {
      if (one.code != code) continue;
      one.score = std::max(one.score, score);
      return;
    }
    out_.findings.push_back({std::move(code), category, score, std::move(summary), visible_excerpt(excerpt)});
  }

  LinkReading out_;
  const Tone& tone_;
  std::string sender_;
  bool verified_;
};

bool is_free_mail(std::string_view domain) {
  static constexpr std::array<std::string_view, 22> kFree{
      "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com",
      "proton.me", "protonmail.com", "gmx.de",      "gmx.net",     "web.de",   "mail.ru",
      "yandex.ru", "qq.com",         "163.com",     "icloud.com",  "aol.com",  "mail.com",
      "zoho.com",  "tutanota.com",   "laposte.net", "libero.it"};
  return std::ranges::find(kFree, domain) != kFree.end();
}

}  // namespace

std::string organisation(std::string_view host) {
  const std::string name = ascii_lower(host);
  const char* found = psl_registrable_domain(psl_builtin(), name.c_str());
  return found == nullptr ? name : found;
}

LinkReading read_links(const std::vector<Link>& links, const Content& content, const Tone& tone) {
  return LinkReader(content, tone).run(links);
}

std::vector<Finding> read_sender(const Content& content, const Tone& tone) {
  std::vector<Finding> out;
  const std::string domain = mail::domain_of(content.from_address);
  const std::string sender = organisation(domain);
  const auto add = [&](std::string code, double score, std::string summary, std::string_view excerpt) {
    out.push_back({std::move(code), Category::phishing, score, std::move(summary), visible_excerpt(excerpt)});
  };
  if (domain.empty()) return out;
  const std::string claimed = mail::domain_of(mail::bare_address(content.from_display));
  if (content.from_display.find('@') != std::string_view::npos && claimed.find('.') != std::string::npos &&
      organisation(claimed) != sender) {
    add("phishing.display_address", 0.5, "The sender's name is an address of another domain.",
        content.from_display);
  }
  const std::string name = fold(content.from_display).text;
  const std::string_view label = std::string_view(sender).substr(0, sender.find('.'));
  for (const std::string_view word : pieces(name, " .,-_|@()'\"")) {
    if (is_borrowed(word) && !is_borrowed(label)) {
      add("phishing.borrowed_name", tone.credentials || tone.pressure ? 0.5 : 0.3,
          "The sender's name is a well-known one and its domain is another's.", content.from_display);
      break;
    }
  }
  if (is_borrowed(as_read(label)) && as_read(label) != label) {
    add("phishing.misspelled_sender", 0.6, "The sender's domain is spelled like a well-known name.",
        content.from_address);
  }
  if (imitates_letters(domain)) {
    add("phishing.lookalike_sender", 0.6, "The sender's domain imitates Latin letters with others.",
        content.from_address);
  }
  const std::string reply = organisation(mail::domain_of(content.reply_to_address));
  if (!reply.empty() && reply != sender && (tone.money || tone.credentials)) {
    const double score = is_free_mail(reply) ? 0.45 : 0.15;
    add("phishing.reply_elsewhere", score, "Speaks of money or accounts, and answers go to another domain.",
        content.reply_to_address);
  }
  return out;
}

std::vector<Finding> read_attachments(const Content& content) {
  static constexpr std::array<std::string_view, 24> kPrograms{
      "exe", "scr", "com", "pif", "bat", "cmd", "js",  "jse", "vbs", "vbe", "wsf", "hta",
      "lnk", "ps1", "jar", "msi", "iso", "img", "vhd", "cpl", "reg", "xll", "dll", "chm"};
  static constexpr std::array<std::string_view, 13> kDocuments{
      "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "jpg", "jpeg", "png", "txt", "zip", "csv"};
  static constexpr std::array<std::string_view, 5> kPages{"html", "htm", "shtml", "svg", "xhtml"};
  static constexpr std::array<std::string_view, 6> kMacros{"docm", "xlsm", "pptm", "dotm", "xlam", "one"};
  const auto is_in = [](const auto& list, std::string_view value) {
    return std::ranges::find(list, value) != list.end();
  };
  std::vector<Finding> out;
  const auto add = [&](std::string code, double score, std::string summary, std::string_view name) {
    if (std::ranges::any_of(out, [&](const Finding& one) { return one.code == code; })) return;
    out.push_back({std::move(code), Category::phishing, score, std::move(summary), visible_excerpt(name)});
  };
  for (const mail::AttachmentInfo& attachment : content.attachments) {
    const std::string name = ascii_lower(trim(attachment.filename));
    const auto parts = pieces(name, ".");
    if (name.find("\xe2\x80\xae") != std::string::npos || name.find("\xe2\x80\xad") != std::string::npos) {
      add("phishing.turned_name", 0.7, "An attachment's name is turned around to hide its type.",
          attachment.filename);
    }
    if (parts.size() < 2) continue;
    const std::string_view last = parts.back();
    const std::string before(trim(parts[parts.size() - 2]));
    const bool program = is_in(kPrograms, last);
    if ((program || is_in(kPages, last)) && is_in(kDocuments, before)) {
      add("phishing.double_extension", 0.7, "An attachment pretends to be a document.", attachment.filename);
    } else if (program) {
      add("phishing.program", 0.5, "An attachment is a program.", attachment.filename);
    } else if (is_in(kMacros, last)) {
      add("phishing.macros", 0.3, "An attachment may hold macros.", attachment.filename);
    } else if (is_in(kPages, last)) {
      add("phishing.page", last == "svg" ? 0.1 : 0.25, "An attachment is a page that a browser would open.",
          attachment.filename);
    }
  }
  return out;
}

bool find_urls(std::string_view text, std::vector<Link>& links) {
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const bool secure = at >= 5 && ascii_lower(text.substr(at - 5, 5)) == "https";
    if (!secure && (at < 4 || ascii_lower(text.substr(at - 4, 4)) != "http")) continue;
    if (links.size() >= kLinksMax) return false;
    const std::size_t start = at - (secure ? 5 : 4);
    const std::string_view rest = text.substr(start, 2048);
    const std::string_view url = rest.substr(0, rest.find_first_of(" \t\r\n<>\"')]|"));
    links.push_back({std::string(url), ""});
  }
  return true;
}

}  // namespace countersign::screen
