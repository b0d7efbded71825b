// What SES's SMTP endpoint reads from the header of a message, and takes out of it (Developer Guide,
// "Specifying a configuration set when you send email", "Sending email using the SES SMTP interface").
#pragma once

#include <string>
#include <string_view>

#include "provider/transport.hpp"

namespace countersign::provider::ses {

/// Header lines with CRLF, to stand before the message: our ids as X-SES-MESSAGE-TAGS, and
/// X-SES-CONFIGURATION-SET unless it is empty.
[[nodiscard]] std::string smtp_fields(const HandOver& message, std::string_view configuration_set);

}  // namespace countersign::provider::ses
