#include "wire/xml.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.hpp"

namespace fp::wire {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_forbidden(char c) {
  const auto b = static_cast<unsigned char>(c);
  return b < 0x20 && !is_space(c);
}

// Neither markup nor a quote, a reference or a control character.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> table{};
  for (std::size_t i = 0x20; i < table.size(); ++i) table[i] = true;
  for (const char c : {'<', '>', '&', '"', '\''}) table[static_cast<unsigned char>(c)] = false;
  return table;
}
constexpr auto kPlain = make_plain();

// Walks over the text before pugixml builds anything from it, so a limit is met before memory is spent.
class Scanner {
 public:
  Scanner(std::string_view text, const XmlLimits& limits) : text_(text), limits_(limits) {}

  Status run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '<') {
        FP_CHECK(markup());
        continue;
      }
      if (depth_ == 0 && !is_space(text_[at_])) return fail(Code::invalid, "XML with text outside its root, at byte {}", at_);
      if (depth_ > 0) skip_plain();
      if (at_ < text_.size() && text_[at_] != '<') FP_CHECK(character());
    }
    if (depth_ != 0 || roots_ == 0) return fail(Code::invalid, "XML that ends in the middle");
    return {};
  }

 private:
  [[nodiscard]] bool ahead(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  Status skip_to(std::string_view end, std::size_t from) {
    const auto found = text_.find(end, from);
    if (found == std::string_view::npos) return fail(Code::invalid, "XML that ends in the middle");
    for (std::size_t i = at_; i < found; ++i)
      if (is_forbidden(text_[i])) return fail(Code::invalid, "XML with a control character at byte {}", i);
    at_ = found + end.size();
    return {};
  }

  // Over characters that mean nothing, in text or inside a tag.
  void skip_plain() {
    while (at_ < text_.size() && kPlain[static_cast<unsigned char>(text_[at_])]) ++at_;
  }

  // One character of text or of an attribute's value; a reference counts as one.
  Status character() {
    if (text_[at_] == '&') return reference();
    if (is_forbidden(text_[at_])) return fail(Code::invalid, "XML with a control character at byte {}", at_);
    ++at_;
    return {};
  }

  Status reference() {
    const auto semicolon = text_.substr(at_, 12).find(';');
    const std::string_view name = semicolon == std::string_view::npos ? "" : text_.substr(at_ + 1, semicolon - 1);
    const auto bad = [&] { return fail(Code::invalid, "XML with an entity other than the five, at byte {}", at_); };
    if (name.size() > 1 && name[0] == '#') {
      const bool hexadecimal = name[1] == 'x';
      unsigned long value = 0;
      const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
      if (digits.empty()) return bad();
      for (const char c : digits) {
        const char l = lower({&c, 1})[0];
        const int digit = l >= '0' && l <= '9' ? l - '0' : hexadecimal && l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
        if (digit < 0) return bad();
        value = value * (hexadecimal ? 16U : 10U) + static_cast<unsigned long>(digit);
      }
      const bool forbidden = (value < 0x20 && value != 9 && value != 10 && value != 13) || (value >= 0xD800 && value < 0xE000) ||
                             value == 0xFFFE || value == 0xFFFF || value > 0x10FFFF;
      if (forbidden) return bad();
    } else if (name != "lt" && name != "gt" && name != "amp" && name != "quot" && name != "apos") {
      return bad();
    }
    at_ += semicolon + 1;
    return {};
  }

  Status markup() {
    if (ahead("<!--")) return skip_to("-->", at_ + 4);
    if (ahead("<?")) return skip_to("?>", at_ + 2);
    if (ahead("<![CDATA[")) {
      if (depth_ == 0) return fail(Code::invalid, "XML with text outside its root, at byte {}", at_);
      return skip_to("]]>", at_ + 9);
    }
    if (ahead("<!")) return fail(Code::invalid, "XML with a document type declaration");
    if (ahead("</")) {
      if (--depth_ < 0) return fail(Code::invalid, "XML with an end tag too many, at byte {}", at_);
      return skip_to(">", at_ + 2);
    }
    return start_tag();
  }

  Status start_tag() {
    if (depth_ == 0 && ++roots_ > 1) return fail(Code::invalid, "XML with a second root");
    FP_CHECK(count());
    for (++at_; at_ < text_.size() && text_[at_] != '>';) {
      skip_plain();
      if (at_ >= text_.size() || text_[at_] == '>') break;
      const char c = text_[at_];
      if (c == '<') return fail(Code::invalid, "XML with < inside a tag, at byte {}", at_);
      if (c != '"' && c != '\'') {
        if (is_forbidden(c)) return fail(Code::invalid, "XML with a control character at byte {}", at_);
        ++at_;
        continue;
      }
      FP_CHECK(count());
      for (++at_; at_ < text_.size() && text_[at_] != c;) {
        skip_plain();
        if (at_ >= text_.size() || text_[at_] == c) break;
        if (text_[at_] == '<') return fail(Code::invalid, "XML with < inside a tag, at byte {}", at_);
        FP_CHECK(character());
      }
      if (at_ < text_.size()) ++at_;
    }
    if (at_ >= text_.size()) return fail(Code::invalid, "XML that ends in the middle");
    if (text_[at_ - 1] != '/' && ++depth_ > limits_.depth_max)
      return fail(Code::too_large, "XML nested deeper than {}", limits_.depth_max);
    ++at_;
    return {};
  }

  Status count() {
    if (++nodes_ > limits_.nodes_max)
      return fail(Code::too_large, "XML of more than {} elements and attributes", limits_.nodes_max);
    return {};
  }

  std::string_view text_;
  const XmlLimits& limits_;
  std::size_t at_ = 0, nodes_ = 0;
  int depth_ = 0, roots_ = 0;
};

pugi::xml_node node(void* element) { return pugi::xml_node(static_cast<pugi::xml_node_struct*>(element)); }
XmlNode wrap(pugi::xml_node n) { return n ? XmlNode(n.internal_object()) : XmlNode(); }

std::string_view local(std::string_view name) {
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// Whether local(full) is `name`, which holds no colon.
bool is_local(const char* full, std::string_view name) {
  const std::string_view text(full);
  return text.ends_with(name) && (text.size() == name.size() || text[text.size() - name.size() - 1] == ':');
}

std::string swapped(std::string_view bytes) {
  std::string out(bytes);
  for (std::size_t i = 0; i + 1 < out.size(); i += 2) std::swap(out[i], out[i + 1]);
  return out;
}

enum class Encoding { utf8, utf16le, utf16be };
Encoding encoding_of(std::string_view b) {
  if (b.starts_with("\xFF\xFE")) return Encoding::utf16le;
  if (b.starts_with("\xFE\xFF")) return Encoding::utf16be;
  if (b.size() >= 2 && b[1] == '\0' && b[0] != '\0') return Encoding::utf16le;
  if (b.size() >= 2 && b[0] == '\0' && b[1] != '\0') return Encoding::utf16be;
  return Encoding::utf8;
}

}  // namespace

struct XmlDocument::State {
  std::string text;  // the document points into it
  pugi::xml_document document;
};

XmlDocument::XmlDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlDocument& XmlDocument::operator=(XmlDocument&&) noexcept = default;
XmlDocument::~XmlDocument() = default;
XmlNode XmlDocument::root() const { return wrap(state_->document.document_element()); }

Result<XmlDocument> XmlDocument::parse(std::string_view bytes, const XmlLimits& limits) {
  FP_TRY(text, decode_text(bytes, limits.bytes_max));
  FP_CHECK(Scanner(text, limits).run());
  auto state = std::make_unique<State>();
  state->text = std::move(text);
  const auto parsed =
      state->document.load_buffer_inplace(state->text.data(), state->text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (parsed.status == pugi::status_out_of_memory) return fail(Code::too_large, "XML too large for the memory there is");
  if (!parsed) return fail(Code::invalid, "XML that does not parse: {}, at byte {}", parsed.description(), parsed.offset);
  return XmlDocument(std::move(state));
}

Result<XmlDocument> parse_xml_as(std::string_view root, std::string_view bytes, const XmlLimits& limits) {
  FP_TRY(document, XmlDocument::parse(bytes, limits));
  if (document.root().name() != root)
    return fail(Code::invalid, "expected <{}>, got <{:.60}>", root, document.root().name());
  return document;
}

Result<std::string> decode_text(std::string_view bytes, std::size_t bytes_max) {
  const Encoding encoding = encoding_of(bytes);
  if (bytes.size() / (encoding == Encoding::utf8 ? 1 : 2) > bytes_max)
    return fail(Code::too_large, "a text of {} bytes, {} at most", bytes.size(), bytes_max);
  std::string text;
  if (encoding == Encoding::utf8) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    if (!is_utf8(bytes)) return fail(Code::invalid, "a text that is not UTF-8");
    text = bytes;
  } else {
    FP_TRY(decoded, encoding == Encoding::utf16le ? from_utf16le(bytes) : from_utf16le(swapped(bytes)));
    text = std::move(decoded);
  }
  while (!text.empty() && (is_space(text.back()) || text.back() == '\0')) text.pop_back();
  if (text.size() > bytes_max) return fail(Code::too_large, "a text of {} bytes, {} at most", text.size(), bytes_max);
  return text;
}

bool xml_flag(std::string_view text) {
  text = trim(text);
  return text == "1" || iequals(text, "true") || iequals(text, "yes");
}

std::string_view XmlNode::name() const { return local(node(element_).name()); }

std::string_view XmlNode::attr(std::string_view name) const {
  for (const auto& a : node(element_).attributes())
    if (is_local(a.name(), name)) return a.value();
  return {};
}

bool XmlNode::has_attr(std::string_view name) const {
  for (const auto& a : node(element_).attributes())
    if (is_local(a.name(), name)) return true;
  return false;
}

std::string XmlNode::text() const {
  std::string out;
  for (const auto& c : node(element_).children())
    if (c.type() == pugi::node_pcdata || c.type() == pugi::node_cdata) out += c.value();
  return out;
}

std::string XmlNode::trimmed() const {
  const auto first = node(element_).first_child();
  if (first && !first.next_sibling() && (first.type() == pugi::node_pcdata || first.type() == pugi::node_cdata))
    return std::string(trim(first.value()));
  return std::string(trim(text()));
}

XmlNode XmlNode::child(std::string_view name) const {
  for (const auto& c : node(element_).children())
    if (c.type() == pugi::node_element && is_local(c.name(), name)) return wrap(c);
  return {};
}

XmlNode XmlNode::at(std::string_view path) const {
  XmlNode here = *this;
  while (here) {
    const auto slash = path.find('/');
    here = here.child(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return here;
}

XmlNode XmlNode::anywhere(std::string_view name) const {
  pugi::xml_node start = node(element_);
  if (start && local(start.name()) == name) return *this;
  return wrap(start.find_node(
      [&](const pugi::xml_node& n) { return n.type() == pugi::node_element && local(n.name()) == name; }));
}

std::vector<XmlNode> XmlNode::children() const {
  std::vector<XmlNode> out;
  for (const auto& c : node(element_).children())
    if (c.type() == pugi::node_element) out.push_back(wrap(c));
  return out;
}

std::vector<XmlNode> XmlNode::children(std::string_view name) const {
  std::vector<XmlNode> out;
  for (const auto& c : node(element_).children())
    if (c.type() == pugi::node_element && is_local(c.name(), name)) out.push_back(wrap(c));
  return out;
}

std::vector<std::pair<std::string_view, std::string_view>> XmlNode::attributes() const {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  for (const auto& a : node(element_).attributes()) out.emplace_back(local(a.name()), a.value());
  return out;
}

namespace {

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

std::string allowed(std::string_view text) {
  std::string out(text);
  std::erase_if(out, is_forbidden);
  return out;
}

// A parser turns white space in an attribute into plain blanks unless it is written as a reference.
std::string escape_attribute(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out;
  for (const char c : xml_escape(allowed(text))) {
    if (c == '\n' || c == '\r' || c == '\t') {
      out += fmt::format("&#{};", static_cast<int>(c));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// Quotes stay as they are in text: shorter, and as other programs write them.
std::string escape_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out;
  for (const char c : text) {
    if (is_forbidden(c)) continue;
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '\r') {
      out += "&#13;";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace

void XmlWriter::end_start_tag() {
  if (in_tag_) out_ += '>';
  in_tag_ = false;
}

XmlWriter& XmlWriter::open(std::string_view name) {
  end_start_tag();
  out_ += '<';
  out_ += name;
  open_.emplace_back(name);
  in_tag_ = true;
  return *this;
}

XmlWriter& XmlWriter::attr(std::string_view name, std::string_view value) {
  out_ += ' ';
  out_ += name;
  out_ += "=\"";
  out_ += escape_attribute(value);
  out_ += '"';
  return *this;
}

XmlWriter& XmlWriter::attr(std::string_view name, std::int64_t value) { return attr(name, std::to_string(value)); }

XmlWriter& XmlWriter::text(std::string_view text) {
  if (text.empty()) return *this;
  end_start_tag();
  out_ += escape_text(text);
  return *this;
}

XmlWriter& XmlWriter::cdata(std::string_view text) {
  end_start_tag();
  std::string rest = allowed(text);
  for (std::size_t at = rest.find("]]>"); at != std::string::npos; at = rest.find("]]>", at + 13))
    rest.replace(at, 3, "]]]]><![CDATA[>");
  out_ += "<![CDATA[" + rest + "]]>";
  return *this;
}

XmlWriter& XmlWriter::raw(std::string_view xml) {
  end_start_tag();
  out_ += xml;
  return *this;
}

XmlWriter& XmlWriter::close() {
  if (in_tag_) {
    out_ += "/>";
    in_tag_ = false;
  } else {
    out_ += "</" + open_.back() + ">";
  }
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::leaf(std::string_view name, std::string_view text_inside) {
  return open(name).text(text_inside).close();
}

std::string XmlWriter::take() {
  while (!open_.empty()) close();
  return std::move(out_);
}

}  // namespace fp::wire
