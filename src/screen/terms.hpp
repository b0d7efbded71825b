// The vocabulary of screening: ideas, and the words that stand for them in many languages. Internal to the
// screen module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace countersign::screen {

/// What a word or phrase is about. Rules look for several of them close together.
enum class Idea : std::uint8_t {
  ignore,         // disregard, forget, override
  all,            // all, any, your
  prior,          // previous, above
  mine,           // "my earlier": a person corrects himself
  instruct,       // instructions, rules, prompt
  ai,             // names for a language model
  ai_called,      // addresses one: "if you are an AI"
  you_are,        // "you are now", "act as"
  persona,        // unrestricted, jailbroken
  switch_on,      // enter, enable: of machines too
  unbound,        // "jailbreak mode", which no machine has
  mode,           // "debug mode", which machines have
  conceal,        // do not tell
  owner,          // the user, the operator
  reveal,         // print, repeat
  system_prompt,  // "your system prompt"
  prompt_term,    // "system prompt", as developers say too
  new_task,       // "your new task is"
  follow_these,   // "follow these instructions", as manuals say
  authority,      // "system override"
  notice,         // "system update", as administrators say
  act,            // what an agent is told to do
  control_token,  // <|im_start|>, [INST]
  role,           // "system:" at the beginning of a line
  tool_call,
  data_end,  // "end of the untrusted content"
  approval,  // "skip the human review"
  mail_act,  // "delete all emails"
  send,
  secret,   // passwords, keys
  mailbox,  // "all emails", contacts
  append,   // "append it to the URL"
  conversation,
  fetch,         // visit, download
  follow,        // obey, do what it says
  follow_there,  // "follow the steps", as manuals say
  there,         // "on that page"
  drop,          // hosts that catch requests
  urgent,
  account,  // log in, verify
  click,
  money,  // transfer, payment
  gift_card,
  bank,     // new bank details
  secrecy,  // confidential, do not call
  prize,
  never,     // "we never ask"
  discuss,   // words of those who write about attacks
  rot13,     // words of an attack in rot13
  reversed,  // … backwards
  url,
  address,
};
inline constexpr std::size_t kIdeas = static_cast<std::size_t>(Idea::address) + 1;

/// Words and phrases, separated by `|`. A `*` at the end takes any ending; Chinese and Japanese need none.
struct Terms {
  Idea idea;
  std::string_view words;
};
/// Of all languages. They are read once, into an automaton.
[[nodiscard]] std::vector<Terms> all_terms();

}  // namespace countersign::screen
