#include "mail/html_references.hpp"

#include <algorithm>
#include <array>

#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr char32_t kNumberMax = 0x110000;  // what is greater is no character either

struct Named {
  std::string_view name;
  char32_t value;
};

// What may stand without its semicolon (WHATWG HTML §13.5): Latin-1, and what markup needs.
constexpr std::array kWithoutSemicolon = std::to_array<Named>({
    {"AElig", 0xc6},  {"AMP", 0x26},    {"Aacute", 0xc1}, {"Acirc", 0xc2},  {"Agrave", 0xc0},
    {"Aring", 0xc5},  {"Atilde", 0xc3}, {"Auml", 0xc4},   {"COPY", 0xa9},   {"Ccedil", 0xc7},
    {"ETH", 0xd0},    {"Eacute", 0xc9}, {"Ecirc", 0xca},  {"Egrave", 0xc8}, {"Euml", 0xcb},
    {"GT", 0x3e},     {"Iacute", 0xcd}, {"Icirc", 0xce},  {"Igrave", 0xcc}, {"Iuml", 0xcf},
    {"LT", 0x3c},     {"Ntilde", 0xd1}, {"Oacute", 0xd3}, {"Ocirc", 0xd4},  {"Ograve", 0xd2},
    {"Oslash", 0xd8}, {"Otilde", 0xd5}, {"Ouml", 0xd6},   {"QUOT", 0x22},   {"REG", 0xae},
    {"THORN", 0xde},  {"Uacute", 0xda}, {"Ucirc", 0xdb},  {"Ugrave", 0xd9}, {"Uuml", 0xdc},
    {"Yacute", 0xdd}, {"aacute", 0xe1}, {"acirc", 0xe2},  {"acute", 0xb4},  {"aelig", 0xe6},
    {"agrave", 0xe0}, {"amp", 0x26},    {"aring", 0xe5},  {"atilde", 0xe3}, {"auml", 0xe4},
    {"brvbar", 0xa6}, {"ccedil", 0xe7}, {"cedil", 0xb8},  {"cent", 0xa2},   {"copy", 0xa9},
    {"curren", 0xa4}, {"deg", 0xb0},    {"divide", 0xf7}, {"eacute", 0xe9}, {"ecirc", 0xea},
    {"egrave", 0xe8}, {"eth", 0xf0},    {"euml", 0xeb},   {"frac12", 0xbd}, {"frac14", 0xbc},
    {"frac34", 0xbe}, {"gt", 0x3e},     {"iacute", 0xed}, {"icirc", 0xee},  {"iexcl", 0xa1},
    {"igrave", 0xec}, {"iquest", 0xbf}, {"iuml", 0xef},   {"laquo", 0xab},  {"lt", 0x3c},
    {"macr", 0xaf},   {"micro", 0xb5},  {"middot", 0xb7}, {"nbsp", 0xa0},   {"not", 0xac},
    {"ntilde", 0xf1}, {"oacute", 0xf3}, {"ocirc", 0xf4},  {"ograve", 0xf2}, {"ordf", 0xaa},
    {"ordm", 0xba},   {"oslash", 0xf8}, {"otilde", 0xf5}, {"ouml", 0xf6},   {"para", 0xb6},
    {"plusmn", 0xb1}, {"pound", 0xa3},  {"quot", 0x22},   {"raquo", 0xbb},  {"reg", 0xae},
    {"sect", 0xa7},   {"shy", 0xad},    {"sup1", 0xb9},   {"sup2", 0xb2},   {"sup3", 0xb3},
    {"szlig", 0xdf},  {"thorn", 0xfe},  {"times", 0xd7},  {"uacute", 0xfa}, {"ucirc", 0xfb},
    {"ugrave", 0xf9}, {"uml", 0xa8},    {"uuml", 0xfc},   {"yacute", 0xfd}, {"yen", 0xa5},
    {"yuml", 0xff},
});

// The other names of HTML 4, and those of HTML for ASCII, Latin, general punctuation and ligatures without
// their long synonyms.
// clang-format off
constexpr std::array kWithSemicolon = std::to_array<Named>({
    {"Abreve", 0x102}, {"Alpha", 0x391}, {"Amacr", 0x100}, {"Aogon", 0x104}, {"ApplyFunction", 0x2061},
    {"Beta", 0x392}, {"Cacute", 0x106}, {"Ccaron", 0x10c}, {"Ccirc", 0x108}, {"Cdot", 0x10a},
    {"Cedilla", 0xb8}, {"CenterDot", 0xb7}, {"Chi", 0x3a7}, {"Dagger", 0x2021}, {"Dcaron", 0x10e},
    {"Delta", 0x394}, {"Dot", 0xa8}, {"Dstrok", 0x110}, {"ENG", 0x14a}, {"Ecaron", 0x11a}, {"Edot", 0x116},
    {"Emacr", 0x112}, {"Eogon", 0x118}, {"Epsilon", 0x395}, {"Eta", 0x397}, {"Gamma", 0x393},
    {"Gbreve", 0x11e}, {"Gcedil", 0x122}, {"Gcirc", 0x11c}, {"Gdot", 0x120}, {"Hat", 0x5e}, {"Hcirc", 0x124},
    {"Hstrok", 0x126}, {"IJlig", 0x132}, {"Idot", 0x130}, {"Imacr", 0x12a}, {"InvisibleComma", 0x2063},
    {"InvisibleTimes", 0x2062}, {"Iogon", 0x12e}, {"Iota", 0x399}, {"Itilde", 0x128}, {"Jcirc", 0x134},
    {"Kappa", 0x39a}, {"Kcedil", 0x136}, {"Lacute", 0x139}, {"Lambda", 0x39b}, {"Lcaron", 0x13d},
    {"Lcedil", 0x13b}, {"Lmidot", 0x13f}, {"Lstrok", 0x141}, {"Mu", 0x39c}, {"Nacute", 0x143},
    {"Ncaron", 0x147}, {"Ncedil", 0x145}, {"NewLine", 0xa}, {"NoBreak", 0x2060}, {"NonBreakingSpace", 0xa0},
    {"Nu", 0x39d}, {"OElig", 0x152}, {"Odblac", 0x150}, {"Omacr", 0x14c}, {"Omega", 0x3a9},
    {"Omicron", 0x39f}, {"OverBar", 0x203e}, {"Phi", 0x3a6}, {"Pi", 0x3a0}, {"PlusMinus", 0xb1},
    {"Prime", 0x2033}, {"Psi", 0x3a8}, {"Racute", 0x154}, {"Rcaron", 0x158}, {"Rcedil", 0x156},
    {"Rho", 0x3a1}, {"Sacute", 0x15a}, {"Scaron", 0x160}, {"Scedil", 0x15e}, {"Scirc", 0x15c},
    {"Sigma", 0x3a3}, {"Tab", 0x9}, {"Tau", 0x3a4}, {"Tcaron", 0x164}, {"Tcedil", 0x162}, {"Theta", 0x398},
    {"ThinSpace", 0x2009}, {"Tstrok", 0x166}, {"Ubreve", 0x16c}, {"Udblac", 0x170}, {"Umacr", 0x16a},
    {"UnderBar", 0x5f}, {"Uogon", 0x172}, {"Upsilon", 0x3a5}, {"Uring", 0x16e}, {"Utilde", 0x168},
    {"Verbar", 0x2016}, {"Vert", 0x2016}, {"Wcirc", 0x174}, {"Xi", 0x39e}, {"Ycirc", 0x176}, {"Yuml", 0x178},
    {"Zacute", 0x179}, {"Zcaron", 0x17d}, {"Zdot", 0x17b}, {"ZeroWidthSpace", 0x200b}, {"Zeta", 0x396},
    {"abreve", 0x103}, {"af", 0x2061}, {"alefsym", 0x2135}, {"alpha", 0x3b1}, {"amacr", 0x101},
    {"and", 0x2227}, {"ang", 0x2220}, {"angst", 0xc5}, {"aogon", 0x105}, {"apos", 0x27}, {"ast", 0x2a},
    {"asymp", 0x2248}, {"backprime", 0x2035}, {"bdquo", 0x201e}, {"beta", 0x3b2}, {"bprime", 0x2035},
    {"bsemi", 0x204f}, {"bsol", 0x5c}, {"bull", 0x2022}, {"bullet", 0x2022}, {"cacute", 0x107},
    {"cap", 0x2229}, {"caret", 0x2041}, {"ccaron", 0x10d}, {"ccirc", 0x109}, {"cdot", 0x10b},
    {"centerdot", 0xb7}, {"chi", 0x3c7}, {"circ", 0x2c6}, {"circledR", 0xae}, {"clubs", 0x2663},
    {"colon", 0x3a}, {"comma", 0x2c}, {"commat", 0x40}, {"cong", 0x2245}, {"crarr", 0x21b5}, {"cup", 0x222a},
    {"dArr", 0x21d3}, {"dagger", 0x2020}, {"darr", 0x2193}, {"dash", 0x2010}, {"dcaron", 0x10f},
    {"ddagger", 0x2021}, {"delta", 0x3b4}, {"diams", 0x2666}, {"die", 0xa8}, {"div", 0xf7}, {"dollar", 0x24},
    {"dstrok", 0x111}, {"ecaron", 0x11b}, {"edot", 0x117}, {"emacr", 0x113}, {"empty", 0x2205},
    {"emsp", 0x2003}, {"emsp13", 0x2004}, {"emsp14", 0x2005}, {"eng", 0x14b}, {"ensp", 0x2002},
    {"eogon", 0x119}, {"epsilon", 0x3b5}, {"equals", 0x3d}, {"equiv", 0x2261}, {"eta", 0x3b7},
    {"euro", 0x20ac}, {"excl", 0x21}, {"exist", 0x2203}, {"ffilig", 0xfb03}, {"fflig", 0xfb00},
    {"ffllig", 0xfb04}, {"filig", 0xfb01}, {"fllig", 0xfb02}, {"fnof", 0x192}, {"forall", 0x2200},
    {"frasl", 0x2044}, {"gacute", 0x1f5}, {"gamma", 0x3b3}, {"gbreve", 0x11f}, {"gcirc", 0x11d},
    {"gdot", 0x121}, {"ge", 0x2265}, {"grave", 0x60}, {"hArr", 0x21d4}, {"hairsp", 0x200a}, {"half", 0xbd},
    {"harr", 0x2194}, {"hcirc", 0x125}, {"hearts", 0x2665}, {"hellip", 0x2026}, {"horbar", 0x2015},
    {"hstrok", 0x127}, {"hybull", 0x2043}, {"hyphen", 0x2010}, {"ic", 0x2063}, {"ijlig", 0x133},
    {"imacr", 0x12b}, {"image", 0x2111}, {"imath", 0x131}, {"imped", 0x1b5}, {"infin", 0x221e},
    {"inodot", 0x131}, {"int", 0x222b}, {"iogon", 0x12f}, {"iota", 0x3b9}, {"isin", 0x2208}, {"it", 0x2062},
    {"itilde", 0x129}, {"jcirc", 0x135}, {"jmath", 0x237}, {"kappa", 0x3ba}, {"kcedil", 0x137},
    {"kgreen", 0x138}, {"lArr", 0x21d0}, {"lacute", 0x13a}, {"lambda", 0x3bb}, {"lang", 0x27e8},
    {"larr", 0x2190}, {"lbrace", 0x7b}, {"lbrack", 0x5b}, {"lcaron", 0x13e}, {"lcedil", 0x13c},
    {"lceil", 0x2308}, {"lcub", 0x7b}, {"ldquo", 0x201c}, {"ldquor", 0x201e}, {"le", 0x2264},
    {"lfloor", 0x230a}, {"lmidot", 0x140}, {"lowast", 0x2217}, {"lowbar", 0x5f}, {"loz", 0x25ca},
    {"lpar", 0x28}, {"lrm", 0x200e}, {"lsaquo", 0x2039}, {"lsqb", 0x5b}, {"lsquo", 0x2018},
    {"lsquor", 0x201a}, {"lstrok", 0x142}, {"mdash", 0x2014}, {"midast", 0x2a}, {"minus", 0x2212},
    {"mldr", 0x2026}, {"mu", 0x3bc}, {"nabla", 0x2207}, {"nacute", 0x144}, {"napos", 0x149},
    {"ncaron", 0x148}, {"ncedil", 0x146}, {"ndash", 0x2013}, {"ne", 0x2260}, {"ni", 0x220b}, {"nldr", 0x2025},
    {"notin", 0x2209}, {"nsub", 0x2284}, {"nu", 0x3bd}, {"num", 0x23}, {"numsp", 0x2007}, {"odblac", 0x151},
    {"oelig", 0x153}, {"oline", 0x203e}, {"omacr", 0x14d}, {"omega", 0x3c9}, {"omicron", 0x3bf},
    {"oplus", 0x2295}, {"or", 0x2228}, {"otimes", 0x2297}, {"part", 0x2202}, {"percnt", 0x25},
    {"period", 0x2e}, {"permil", 0x2030}, {"perp", 0x22a5}, {"pertenk", 0x2031}, {"phi", 0x3c6},
    {"pi", 0x3c0}, {"piv", 0x3d6}, {"plus", 0x2b}, {"pm", 0xb1}, {"prime", 0x2032}, {"prod", 0x220f},
    {"prop", 0x221d}, {"psi", 0x3c8}, {"puncsp", 0x2008}, {"qprime", 0x2057}, {"quest", 0x3f},
    {"rArr", 0x21d2}, {"racute", 0x155}, {"radic", 0x221a}, {"rang", 0x27e9}, {"rarr", 0x2192},
    {"rbrace", 0x7d}, {"rbrack", 0x5d}, {"rcaron", 0x159}, {"rcedil", 0x157}, {"rceil", 0x2309},
    {"rcub", 0x7d}, {"rdquo", 0x201d}, {"rdquor", 0x201d}, {"real", 0x211c}, {"rfloor", 0x230b},
    {"rho", 0x3c1}, {"rlm", 0x200f}, {"rpar", 0x29}, {"rsaquo", 0x203a}, {"rsqb", 0x5d}, {"rsquo", 0x2019},
    {"rsquor", 0x2019}, {"sacute", 0x15b}, {"sbquo", 0x201a}, {"scaron", 0x161}, {"scedil", 0x15f},
    {"scirc", 0x15d}, {"sdot", 0x22c5}, {"semi", 0x3b}, {"sigma", 0x3c3}, {"sigmaf", 0x3c2}, {"sim", 0x223c},
    {"sol", 0x2f}, {"spades", 0x2660}, {"strns", 0xaf}, {"sub", 0x2282}, {"sube", 0x2286}, {"sum", 0x2211},
    {"sup", 0x2283}, {"supe", 0x2287}, {"tau", 0x3c4}, {"tcaron", 0x165}, {"tcedil", 0x163},
    {"there4", 0x2234}, {"theta", 0x3b8}, {"thetasym", 0x3d1}, {"thinsp", 0x2009}, {"tilde", 0x2dc},
    {"tprime", 0x2034}, {"trade", 0x2122}, {"tstrok", 0x167}, {"uArr", 0x21d1}, {"uarr", 0x2191},
    {"ubreve", 0x16d}, {"udblac", 0x171}, {"umacr", 0x16b}, {"uogon", 0x173}, {"upsih", 0x3d2},
    {"upsilon", 0x3c5}, {"uring", 0x16f}, {"utilde", 0x169}, {"verbar", 0x7c}, {"vert", 0x7c},
    {"wcirc", 0x175}, {"weierp", 0x2118}, {"xi", 0x3be}, {"ycirc", 0x177}, {"zacute", 0x17a},
    {"zcaron", 0x17e}, {"zdot", 0x17c}, {"zeta", 0x3b6}, {"zwj", 0x200d}, {"zwnj", 0x200c},
});
// clang-format on

static_assert(std::ranges::is_sorted(kWithoutSemicolon, {}, &Named::name));
static_assert(std::ranges::is_sorted(kWithSemicolon, {}, &Named::name));

template <std::size_t Size>
constexpr std::size_t longest(const std::array<Named, Size>& names) {
  std::size_t out = 0;
  for (const Named& one : names) out = std::max(out, one.name.size());
  return out;
}
constexpr std::size_t kBareMax = longest(kWithoutSemicolon);
constexpr std::size_t kNameMax = std::max(kBareMax, longest(kWithSemicolon));

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <std::size_t Size>
const Named* find(const std::array<Named, Size>& names, std::string_view name) {
  const auto found = std::ranges::lower_bound(names, name, {}, &Named::name);
  return found == names.end() || found->name != name ? nullptr : &*found;
}

// Of a digit of base 10 or 16.
std::optional<char32_t> digit_value(char c, bool hexadecimal) {
  const auto from = [&](char first, char32_t value) { return value + static_cast<char32_t>(c - first); };
  if (is_digit(c)) return from('0', 0);
  if (hexadecimal && c >= 'a' && c <= 'f') return from('a', 10);
  if (hexadecimal && c >= 'A' && c <= 'F') return from('A', 10);
  return std::nullopt;
}

// Numbers of C1 controls mean what windows-1252 has there (WHATWG HTML §13.2.5.80).
char32_t character_of(char32_t number) {
  static constexpr std::array<char16_t, 32> kWindows1252{
      0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
      0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
      0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
  if (number >= 0x80 && number <= 0x9f) return kWindows1252[number - 0x80];
  const bool surrogate = number >= 0xd800 && number <= 0xdfff;
  return number == 0 || number >= kNumberMax || surrogate ? kReplacement : number;
}

// Behind `&#`: digits without end, of which only the value counts, and a semicolon that may be missing.
std::optional<HtmlReference> numeric_reference(std::string_view text) {
  std::size_t at = 2;
  const bool hexadecimal = at < text.size() && (text[at] == 'x' || text[at] == 'X');
  if (hexadecimal) ++at;
  const std::size_t start = at;
  char32_t number = 0;
  for (; at < text.size(); ++at) {
    const auto digit = digit_value(text[at], hexadecimal);
    if (!digit) break;
    number = std::min<char32_t>(number * (hexadecimal ? 16 : 10) + *digit, kNumberMax);
  }
  if (at == start) return std::nullopt;
  if (at < text.size() && text[at] == ';') ++at;
  return HtmlReference{character_of(number), at};
}

}  // namespace

std::optional<HtmlReference> reference_at(std::string_view text, ReferencePlace place) {
  if (text.starts_with("&#")) return numeric_reference(text);
  std::string_view name = text.substr(1, kNameMax + 1);
  const auto end = std::ranges::find_if_not(name, is_alphanumeric);
  const bool closed = end != name.end() && *end == ';';
  name = name.substr(0, static_cast<std::size_t>(end - name.begin()));
  if (closed) {
    const Named* named = find(kWithSemicolon, name);
    if (named == nullptr) named = find(kWithoutSemicolon, name);
    if (named != nullptr) return HtmlReference{named->value, name.size() + 2};
  }
  for (std::size_t length = std::min(name.size(), kBareMax); length >= 2; --length) {
    const Named* named = find(kWithoutSemicolon, name.substr(0, length));
    if (named == nullptr) continue;
    const std::string_view behind = text.substr(length + 1, 1);
    const bool of_url = !behind.empty() && (behind == "=" || is_alphanumeric(behind.front()));
    if (place == ReferencePlace::attribute && of_url) return std::nullopt;
    return HtmlReference{named->value, length + 1};
  }
  return std::nullopt;
}

std::string resolve_references(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('&'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto found = reference_at(text, ReferencePlace::attribute);
    if (found) append_utf8(out, found->value);
    if (!found) out.push_back('&');
    text.remove_prefix(found ? found->bytes : 1);
  }
  return out;
}

}  // namespace countersign::mail
