// HTML taken apart into text and tags. A tokenizer, no tree: time is linear in the input whatever its
// nesting, and any bytes are read to their end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace countersign::mail {

/// A start or end tag.
struct HtmlTag {
  std::string_view name;        // lower case, cut after 12 bytes
  std::string_view attributes;  // as they stand, for HtmlAttributes; "" in an end tag
  bool closing = false;
  bool self_closing = false;  // `<br/>`
};

/// Takes the pieces in order. Views live as long as the call.
class HtmlSink {
 public:
  virtual ~HtmlSink() = default;
  /// True ends the reading.
  [[nodiscard]] virtual bool full() const { return false; }
  /// Characters without blanks, character references resolved.
  virtual void text(std::string_view bytes) = 0;
  virtual void space() = 0;
  virtual void line_end() { space(); }
  virtual void tag(const HtmlTag& tag) = 0;
  /// What is neither text nor tag: what stands between `<!--` and `-->`, in `<!…>` and `<?…>`, behind the
  /// name of an end tag, and a name that is too long for a tag.
  virtual void comment(std::string_view) {}
  /// The content of script, style, title and template, which is not text.
  virtual void raw(std::string_view /*element*/, std::string_view /*content*/) {}
};

void read_html(std::string_view html, HtmlSink& sink);

/// Steps through the attributes of a tag.
class HtmlAttributes {
 public:
  explicit HtmlAttributes(std::string_view attributes) : rest_(attributes) {}
  /// False at the end.
  [[nodiscard]] bool next();
  [[nodiscard]] const std::string& name() const { return name_; }          // lower case, cut after 32 bytes
  [[nodiscard]] std::string_view raw_name() const { return raw_name_; }    // as it stands
  [[nodiscard]] std::string_view raw_value() const { return raw_value_; }  // "" without a value
  [[nodiscard]] std::string value() const;                                 // character references resolved

 private:
  std::string_view rest_;
  std::string name_;
  std::string_view raw_name_;
  std::string_view raw_value_;
};

}  // namespace countersign::mail
