#include "base/assert.hpp"
#include "screen/screen.hpp"

namespace countersign::screen {

std::string_view name_of(Category category) {
  switch (category) {
    case Category::prompt_injection:
      return "prompt_injection";
    case Category::hidden_text:
      return "hidden_text";
    case Category::encoded_payload:
      return "encoded_payload";
    case Category::phishing:
      return "phishing";
    case Category::exfiltration:
      return "exfiltration";
  }
  CS_ASSERT(false);
}

}  // namespace countersign::screen
