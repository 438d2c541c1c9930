// The one door to pugixml: parsing with limits (bytes, depth, nodes), reading, writing. A document is UTF-8 or UTF-16 of either
// order, with or without BOM. Refused: DOCTYPE, entities other than the five of XML, characters that XML forbids, a second root.
// Any thread; one Document on one thread. Costs a scan and a parse. Never resolves anything outside the bytes given.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "base/result.hpp"

namespace fp::wire {

struct XmlLimits {
  std::size_t bytes_max = limits::kXmlBytesMax;  // of the text as UTF-8
  int depth_max = limits::kXmlDepthMax;
  std::size_t nodes_max = limits::kXmlNodesMax;  // elements and attributes
};

// A place in a Document; valid as long as the document lives. A node that is not there answers with nothing, so lookups chain.
class XmlNode {
 public:
  XmlNode() = default;
  explicit XmlNode(void* element) : element_(element) {}
  [[nodiscard]] explicit operator bool() const { return element_ != nullptr; }
  [[nodiscard]] std::string_view name() const;                            // without namespace prefix
  [[nodiscard]] std::string_view attr(std::string_view name) const;       // empty if absent
  [[nodiscard]] bool has_attr(std::string_view name) const;
  [[nodiscard]] std::string text() const;                                 // text and CDATA children joined, as they stand
  [[nodiscard]] std::string trimmed() const;                              // the same without white space at both ends
  [[nodiscard]] XmlNode child(std::string_view name) const;               // first child element of that name
  [[nodiscard]] XmlNode at(std::string_view path) const;                  // "A/B/C"
  [[nodiscard]] XmlNode anywhere(std::string_view name) const;            // this node or the first below it, in document order
  [[nodiscard]] std::vector<XmlNode> children() const;                    // elements only
  [[nodiscard]] std::vector<XmlNode> children(std::string_view name) const;
  [[nodiscard]] std::string text_of(std::string_view path) const { return at(path).trimmed(); }
  [[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> attributes() const;

 private:
  void* element_ = nullptr;
};

class XmlDocument {
 public:
  // Code::invalid: not well-formed, or something refused; Code::too_large: over a limit, which is named.
  [[nodiscard]] static Result<XmlDocument> parse(std::string_view bytes, const XmlLimits& limits = {});
  XmlDocument(XmlDocument&&) noexcept;
  XmlDocument& operator=(XmlDocument&&) noexcept;
  ~XmlDocument();
  [[nodiscard]] XmlNode root() const;

 private:
  struct State;
  explicit XmlDocument(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// parse(), and Code::invalid unless the root has that name.
[[nodiscard]] Result<XmlDocument> parse_xml_as(std::string_view root, std::string_view bytes, const XmlLimits& limits = {});

// Bytes in any of the encodings above to UTF-8 without BOM; white space and NULs behind the text are cut.
[[nodiscard]] Result<std::string> decode_text(std::string_view bytes, std::size_t bytes_max = limits::kXmlBytesMax);

// "1", "true", "yes" (any case) are true, the rest is not: clients write both forms (wire.md §8).
[[nodiscard]] bool xml_flag(std::string_view text);

// Writes elements one after another; an element without content is closed as <A/>. Characters that XML forbids are left out.
class XmlWriter {
 public:
  XmlWriter& open(std::string_view name);
  XmlWriter& attr(std::string_view name, std::string_view value);  // right after open()
  XmlWriter& attr(std::string_view name, std::int64_t value);
  XmlWriter& text(std::string_view text);
  XmlWriter& cdata(std::string_view text);
  XmlWriter& raw(std::string_view xml);                            // well-formed already
  XmlWriter& close();
  XmlWriter& leaf(std::string_view name, std::string_view text = {});  // open, text, close
  [[nodiscard]] std::string take();                                // closes what is open

 private:
  void end_start_tag();
  std::string out_;
  std::vector<std::string> open_;
  bool in_tag_ = false;
};

}  // namespace fp::wire
