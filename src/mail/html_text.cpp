#include "mail/html_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mail/html_tokens.hpp"
#include "mail/utf8.hpp"

namespace countersign::mail {
namespace {

constexpr std::size_t kQuoteDepthMax = 8;

// Collects text, one logical line at a time.
class Writer {
 public:
  explicit Writer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  [[nodiscard]] bool full() const { return out_.size() >= bytes_max_; }
  void space() { space_wanted_ = true; }
  void quote_in() {
    block(1);
    ++quotes_;
  }
  void quote_out() {
    block(1);
    if (quotes_ > 0) --quotes_;
  }

  void text(std::string_view bytes) {
    begin_line();
    if (space_wanted_ && line_has_text_) out_.push_back(' ');
    space_wanted_ = false;
    line_has_text_ = true;
    out_ += bytes;
  }

  // Ends the line and leaves at least `blank` blank lines before the next text.
  void block(std::size_t blank) {
    space_wanted_ = false;
    line_has_text_ = false;
    if (!out_.empty()) breaks_wanted_ = std::max(breaks_wanted_, blank + 1);
  }

  void line_break() {
    space_wanted_ = false;
    line_has_text_ = false;
    if (!out_.empty() && breaks_wanted_ < 3) ++breaks_wanted_;
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void begin_line() {
    const bool at_start = out_.empty();
    if (breaks_wanted_ == 0 && !at_start) return;
    const std::string prefix = quote_prefix();
    for (; breaks_wanted_ > 1; --breaks_wanted_) {
      out_.push_back('\n');
      // A blank line inside one quote belongs to it; between quote and answer it does not.
      if (last_quotes_ == quotes_)
        out_ += std::string_view(prefix).substr(0, prefix.empty() ? 0 : prefix.size() - 1);
    }
    if (breaks_wanted_ == 1) out_.push_back('\n');
    breaks_wanted_ = 0;
    out_ += prefix;
    last_quotes_ = quotes_;
  }

  [[nodiscard]] std::string quote_prefix() const {
    if (quotes_ == 0) return {};
    return std::string(std::min(quotes_, kQuoteDepthMax), '>') + ' ';
  }

  std::string out_;
  std::size_t bytes_max_;
  std::size_t quotes_ = 0;
  std::size_t last_quotes_ = 0;
  std::size_t breaks_wanted_ = 0;
  bool space_wanted_ = false;
  bool line_has_text_ = false;
};

// Lays out what the tokenizer finds.
class TextSink final : public HtmlSink {
 public:
  explicit TextSink(std::size_t bytes_max) : writer_(bytes_max) {}

  bool full() const override { return writer_.full(); }
  void text(std::string_view bytes) override { writer_.text(bytes); }
  void space() override { writer_.space(); }
  void line_end() override { preformatted_ ? writer_.line_break() : writer_.space(); }

  void tag(const HtmlTag& tag) override {
    static constexpr std::array<std::string_view, 20> kBlocks = {
        "div",   "tr",  "table",   "section", "article", "header", "footer",  "main", "form", "center",
        "aside", "nav", "address", "dt",      "dd",      "tbody",  "caption", "body", "hr",   "figure"};
    static constexpr std::array<std::string_view, 10> kParagraphs = {"p",  "h1", "h2", "h3", "h4",
                                                                     "h5", "h6", "ul", "ol", "dl"};
    const std::string_view name = tag.name;
    if (name == "br") {
      writer_.line_break();
    } else if (name == "blockquote") {
      tag.closing ? writer_.quote_out() : writer_.quote_in();
    } else if (name == "pre") {
      writer_.block(1);
      preformatted_ = !tag.closing;
    } else if (name == "li") {
      writer_.block(0);
      if (!tag.closing) writer_.text("-");
      writer_.space();
    } else if (name == "td" || name == "th") {
      writer_.space();
    } else if (std::ranges::find(kParagraphs, name) != kParagraphs.end()) {
      writer_.block(1);
    } else if (std::ranges::find(kBlocks, name) != kBlocks.end()) {
      writer_.block(0);
    }
  }

  std::string take() { return writer_.take(); }

 private:
  Writer writer_;
  bool preformatted_ = false;
};

}  // namespace

std::string html_to_text(std::string_view html, std::size_t bytes_max) {
  TextSink sink(bytes_max);
  read_html(html, sink);
  return sink.take();
}

}  // namespace countersign::mail
