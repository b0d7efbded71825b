#include "mail/quoted_history.hpp"

#include <gtest/gtest.h>

namespace countersign::mail {
namespace {

TEST(QuotedHistory, GoesWithItsLeadIn) {
  const std::pair<const char*, const char*> cases[] = {
      {"Yes.\n\nOn Mon, 23 Nov 2026 at 13:45, Ada <a@b.example> wrote:\n> Shall we?\n>\n> Ada\n", "Yes."},
      {"Yes.\n\nOn Mon, 23 Nov 2026 at 13:45, Somebody With A Long Name\n<somebody@b.example>\nwrote:\n\n> "
       "Shall we?\n",
       "Yes."},
      {"Ja.\n\nAm 23.11.26 um 13:45 schrieb Ada:\n> Sollen wir?", "Ja."},
      {"Oui.\n\nLe 23 nov. 2026 à 13:45, Ada a écrit :\n> On y va ?", "Oui."},
      {"Yes.\n> Shall we?\n", "Yes."},
      {"Yes.\n\n-----Original Message-----\nFrom: Ada\nSent: today\n\nShall we?\n", "Yes."},
      {"Ja.\n\n-----Ursprüngliche Nachricht-----\nVon: Ada\n", "Ja."},
      {"Yes.\n\n________________________________\nFrom: Ada <a@b.example>\nSent: Monday\nTo: Bob\nSubject: "
       "Shall "
       "we?\n\nShall we?\n",
       "Yes."},
      {"Yes.\n\nFrom: Ada <a@b.example>\nDate: Monday\nTo: Bob\nSubject: Shall we?\n\nShall we?", "Yes."},
      {"Yes.\n\nOn Mon, 23 Nov 2026 at 13:45, Ada <a@b.example> wrote:\n\nShall we?\n", "Yes."},
  };
  for (const auto& [text, kept] : cases) EXPECT_EQ(strip_quoted_history(text, "Re: Shall we?"), kept);
}

TEST(QuotedHistory, StaysWhenItIsNotHistory) {
  for (const char* text : {
           "Plain text.\n",
           "> first\nanswer to it\n> second\nanswer to that\n",
           "On Mon, 23 Nov 2026, Ada <a@b.example> wrote:\n> first\nanswer\n",
           "FYI\n\n---------- Forwarded message ---------\nFrom: Ada\nDate: Monday\nSubject: x\nTo: "
           "Bob\n\nhello\n",
           "Begin forwarded message:\n\nFrom: Ada\nDate: Monday\nSubject: x\n\nhello",
           "From: the desk of Ada\n\nhello",
           "the letter is\nFrom: Ada\nSent: today\nSubject: x\n",
           "On this the poet wrote:\n\nroses are red",
           "On 3 May he wrote:\n\nroses are red",
           "Prices:\n-- a -- b --\n",
       }) {
    EXPECT_EQ(strip_quoted_history(text, ""), text);
  }
}

TEST(QuotedHistory, StaysWhenItIsWhatWasForwarded) {
  for (const std::string_view history :
       {"From: Ada <a@b.example>\nSent: Monday\nTo: Bob\nSubject: Shall we?\n\nShall we?",
        "-----Original Message-----\nFrom: Ada\nSent: today\n\nShall we?"}) {
    const std::string text = "See below.\n\n" + std::string(history);
    for (const char* subject : {"FW: Shall we?", "Fwd: Shall we?", "WG: x", "tr: x", "RV: x", "ENC: x",
                                "Doorst: x", "VS: x", "I: x", " [External] Fw: x"}) {
      EXPECT_EQ(strip_quoted_history(text, subject), text) << subject;
    }
    for (const char* subject : {"", "Re: Fw: x", "Forward", "[Fw: x", "Firewall: x"}) {
      EXPECT_EQ(strip_quoted_history(text, subject), "See below.") << subject;
    }
  }
}

TEST(QuotedHistory, NeverLeavesNothing) {
  for (const char* text : {"> only a quote\n", "-----Original Message-----\nhello\n", "\n\n> a\n\n", "",
                           "On Mon, 23 Nov 2026, Ada <a@b.example> wrote:\n> x\n"}) {
    EXPECT_EQ(strip_quoted_history(text, ""), text);
  }
}

}  // namespace
}  // namespace countersign::mail
