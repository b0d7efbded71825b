#include "mail/html_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mail/html_tokens.hpp"

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
  EXPECT_EQ(text("ig&shy;nore &Alpha;&zwj;&apos;&lbrack;&notin;&Zcaron;&fflig;"),
            "ig\u00adnore Α\u200d'[∉Žﬀ");
  EXPECT_EQ(text("caf&eacute &ampx &notit; &nosuch &zwj &lt"), "café &x ¬it; &nosuch &zwj <");
  EXPECT_EQ(text("&#73gnore &#X61;ll &#0000000000073; &#99999999999999999999; &#; &#x; &#xg"),
            "Ignore all I \xef\xbf\xbd &#; &#x; &#xg");
  EXPECT_EQ(text("&#128;&#x93;hi&#x94;&#x81;"), "€“hi”\u0081");
  EXPECT_EQ(text("a&#10;b&#9;&Tab;c&#xa0;d"), "a b c d");
}

TEST(HtmlToText, LeavesParametersOfUrlsAlone) {
  const auto value = [](std::string_view attributes) {
    HtmlAttributes one(attributes);
    return one.next() ? one.value() : std::string();
  };
  EXPECT_EQ(value("href='?a=1&copy=2&reg3&amp;x&lt'"), "?a=1&copy=2&reg3&x<");
}

TEST(HtmlToText, LeavesOutWhatIsNotText) {
  EXPECT_EQ(text("<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head>"
                 "<body>a<!-- <b> -->b<script>if (1 < 2) '</b>'</script>c<a href='x>y'>d</a></body>"),
            "abcd");
  EXPECT_EQ(text("1 < 2 and 3 <4"), "1 < 2 and 3 <4");
  EXPECT_EQ(text("seen<script>never closed"), "seen");
  EXPECT_EQ(text("seen<!-- never closed"), "seen");
  EXPECT_EQ(text("seen<a href=\"never closed>"), "seen");
  EXPECT_EQ(text("a<?xml x?>b<!x>c</1 y>d</>e</p f='>'>g"), "abcde\n\ng");
}

TEST(HtmlToText, ReadsCommentsAndAttributesAsBrowsersDo) {
  EXPECT_EQ(text("<!-->a<!-- -->b"), "ab");
  EXPECT_EQ(text("<!--->a<!-- x --!>b<!-- - -- > --->c<!---->d"), "abcd");
  EXPECT_EQ(text("<b x=y='>a<b y='>b"), "a") << "a quote inside of a value without quotes";
  EXPECT_EQ(text("<b x'>a<b ='>b<b x' y>c<b x'='>d'>e"), "abce") << "a quote inside of a name";
  EXPECT_EQ(text("<b x= \"a>b\" y\n=\n'>'>c<b x=/'>d"), "cd") << "blanks around the equals sign";
}

TEST(HtmlToText, StopsAtTheMaximum) {
  EXPECT_LE(html_to_text(std::string(1000, 'x') + "<p>more", 1000).size(), 1000u);
}

}  // namespace
}  // namespace countersign::mail
