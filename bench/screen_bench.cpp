// Megabytes of newsletter HTML screened per second of processor time.
//
//   screen_bench [seconds]
#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <string>

#include "screen/screen.hpp"

namespace {

constexpr std::size_t kBytes = 100 * 1024;  // what newsletters weigh

std::string newsletter() {
  std::string html =
      "<!DOCTYPE "
      "html><html><head><style>body{margin:0}.mobile{display:none}.btn{background:#0a66c2;color:#fff}"
      "@media screen and (max-width:600px){.desktop{display:none}}</style></head><body bgcolor=\"#f4f4f4\">"
      "<div style=\"display:none;max-height:0;overflow:hidden\">Five soups for autumn "
      "&#847;&zwnj;&nbsp;</div><table>";
  for (int i = 0; html.size() < kBytes; ++i) {
    html += fmt::format(
        "<tr><td style=\"padding:12px;font-family:Arial,sans-serif\"><h2 style=\"color:#222222\">Recipe "
        "{0}</h2>"
        "<p style=\"color:#555555;font-size:14px\">Roast the pumpkin first, then blend it with ginger, stock "
        "and a spoon of "
        "cream. Serve it with bread, and keep the rest for tomorrow&#8217;s lunch.</p>"
        "<a class=\"btn\" href=\"https://click.mailer.example/ls/click?upn=a9Fz{0}&amp;u=77\">Read the "
        "recipe</a>"
        "<img src=\"https://img.mailer.example/{0}.jpg\" alt=\"A bowl of soup\" width=\"560\"></td></tr>",
        i);
  }
  return html + "</table></body></html>";
}

}  // namespace

int main(int argc, char** argv) {
  using namespace countersign;
  const double wanted = argc > 1 ? std::atof(argv[1]) : 3;
  const std::string html = newsletter();
  const screen::Content content{.subject = "Five soups", .from_address = "news@mailer.example", .html = html};
  double score = screen::screen(content).score;  // builds the automaton
  const std::clock_t start = std::clock();
  std::size_t mails = 0;
  double spent = 0;
  for (; spent < wanted; ++mails) {
    score += screen::screen(content).score;
    spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  const double megabytes = static_cast<double>(mails * html.size()) / 1e6;
  fmt::print("screen: {:.1f} MB/s of newsletter HTML, {:.2f} ms for {} KB (score {:.2f})\n",
             megabytes / spent, 1000 * spent / static_cast<double>(mails), html.size() / 1024,
             score / static_cast<double>(mails + 1));
}
