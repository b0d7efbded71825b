#include "mail/html_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::mail {
namespace {

std::string text(std::string_view html) { return html_to_text(html, 1 << 20); }

TEST(HtmlToText, PutsBlocksOnLinesOfTheirOwn) {
  EXPECT_EQ(text("<p>one</p><p>two\n words</p><div>three</div>four<br>five<br/>six"),
            "one\n\ntwo words\n\nthree\nfour\nfive\nsix");
  EXPECT_EQ(text("<ul><li>a<li>b</ul>after"), "- a\n- b\n\nafter");
  EXPECT_EQ(text("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>"), "a b\nc");
  EXPECT_EQ(text("<pre>int a;\nint b;</pre>"), "int a;\nint b;");
}

TEST(HtmlToText, MarksBlockQuotes) {
  EXPECT_EQ(text("yes<blockquote><p>a</p><p>b</p><blockquote>c</blockquote></blockquote>no"),
            "yes\n\n> a\n>\n> b\n\n>> c\n\nno");
}

TEST(HtmlToText, ResolvesCharacterReferences) {
  EXPECT_EQ(text("a&amp;b &lt;c&gt; &#8364;&#x20AC;&uuml; &nbsp; d &unknown; & &#xD800; &#0;"),
            "a&b <c> €€ü d &unknown; & \xef\xbf\xbd \xef\xbf\xbd");
}

TEST(HtmlToText, LeavesOutWhatIsNotText) {
  EXPECT_EQ(text("<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head>"
                 "<body>a<!-- <b> -->b<script>if (1 < 2) '</b>'</script>c<a href='x>y'>d</a></body>"),
            "abcd");
  EXPECT_EQ(text("1 < 2 and 3 <4"), "1 < 2 and 3 <4");
  EXPECT_EQ(text("seen<script>never closed"), "seen");
  EXPECT_EQ(text("seen<!-- never closed"), "seen");
  EXPECT_EQ(text("seen<a href=\"never closed>"), "seen");
}

TEST(HtmlToText, StopsAtTheMaximum) {
  EXPECT_LE(html_to_text(std::string(1000, 'x') + "<p>more", 1000).size(), 1000u);
}

}  // namespace
}  // namespace countersign::mail
