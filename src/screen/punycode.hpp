// Host names as people see them. Internal to the screen module.
#pragma once

#include <string>
#include <string_view>

namespace countersign::screen {

/// Labels that begin with `xn--` decoded (RFC 3492 §6.2); what does not decode stays.
[[nodiscard]] std::string to_unicode(std::string_view host);

}  // namespace countersign::screen
