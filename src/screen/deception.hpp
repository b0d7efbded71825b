// Signs of deception outside the text: links, senders, attachment names. Internal to the screen module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "screen/html_walk.hpp"
#include "screen/screen.hpp"

namespace countersign::screen {

/// What the text of the message says.
struct Tone {
  bool pressure = false;
  bool credentials = false;
  bool money = false;
};

/// The organisational domain of a host name, by the public suffix list; the name itself when it has none.
[[nodiscard]] std::string organisation(std::string_view host);

struct LinkReading {
  std::vector<Finding> findings;
  bool any = false;
  bool foreign = false;  // some lead to another organisation than the sender's
};

[[nodiscard]] LinkReading read_links(const std::vector<Link>& links, const Content& content,
                                     const Tone& tone);
[[nodiscard]] std::vector<Finding> read_sender(const Content& content, const Tone& tone);
[[nodiscard]] std::vector<Finding> read_attachments(const Content& content);
/// Adds the URLs of plain text, kLinksMax at most; false when there are more.
[[nodiscard]] bool find_urls(std::string_view text, std::vector<Link>& links);

}  // namespace countersign::screen
