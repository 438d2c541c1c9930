#include "wire/xml.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "wire/zlib.hpp"

namespace fp::wire {
namespace {

Code code_of(std::string_view bytes, const XmlLimits& limits = {}) {
  const auto parsed = XmlDocument::parse(bytes, limits);
  return parsed ? Code::internal : parsed.error().code;
}

TEST(Xml, IsReadInEveryEncodingThatClientsWrite) {
  const std::string text = "<A x=\"1\">\xC3\xA9\xF0\x9F\x98\x80</A>";
  const std::string le = to_utf16le(text);
  std::string be = le;
  for (std::size_t i = 0; i + 1 < be.size(); i += 2) std::swap(be[i], be[i + 1]);
  const std::string nul(2, '\0');
  for (const std::string& bytes :
       {text, "\xEF\xBB\xBF" + text, le, "\xFF\xFE" + le, be, "\xFE\xFF" + be, le + nul, text + "\r\n"}) {
    auto parsed = XmlDocument::parse(bytes);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->root().text(), "\xC3\xA9\xF0\x9F\x98\x80");
    EXPECT_EQ(parsed->root().attr("x"), "1");
  }
}

TEST(Xml, ADeclarationOfAnotherEncodingIsNotBelieved) {
  auto parsed = XmlDocument::parse(to_utf16le("<?xml version=\"1.0\" encoding=\"utf-8\"?><A>\xC3\xA9</A>"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->root().text(), "\xC3\xA9");
}

TEST(Xml, LooksThroughPrefixesCommentsAndCdata) {
  auto parsed =
      XmlDocument::parse("<!-- c --><n:A xmlns:n='u'><n:B> a<![CDATA[<&]]>b </n:B><B n:y='2'/><C><D>deep</D></C></n:A>");
  ASSERT_TRUE(parsed);
  const XmlNode root = parsed->root();
  EXPECT_EQ(root.name(), "A");
  EXPECT_EQ(root.text_of("B"), "a<&b");
  EXPECT_EQ(root.children("B").size(), 2U);
  EXPECT_EQ(root.children("B")[1].attr("y"), "2");
  EXPECT_EQ(root.text_of("C/D"), "deep");
  EXPECT_EQ(root.anywhere("D").text(), "deep");
  EXPECT_FALSE(root.at("C/E/F"));
  EXPECT_EQ(root.at("C/E/F").text(), "");
  EXPECT_EQ(root.child("none").attr("x"), "");
  EXPECT_TRUE(root.child("none").children().empty());
  EXPECT_FALSE(root.child("none").anywhere("x"));
}

TEST(Xml, DocumentTypesAndEntitiesAreRefused) {
  EXPECT_EQ(code_of("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), Code::invalid);
  EXPECT_EQ(code_of("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), Code::invalid);
  EXPECT_EQ(code_of("<a>&x;</a>"), Code::invalid);
  EXPECT_EQ(code_of("<a b=\"&x;\"/>"), Code::invalid);
  EXPECT_EQ(code_of("<a>R&D</a>"), Code::invalid);
  EXPECT_EQ(code_of("<a>&#0;</a>"), Code::invalid);
  EXPECT_EQ(code_of("<a>&#xD800;</a>"), Code::invalid);
  EXPECT_EQ(code_of("<a>&#x110000;</a>"), Code::invalid);
  EXPECT_EQ(code_of("<a>&#99999999;</a>"), Code::invalid);
  EXPECT_EQ(code_of("<a><!ELEMENT b></a>"), Code::invalid);
  auto good = XmlDocument::parse("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</a>");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->root().text(), "<>&\"'AB");
}

TEST(Xml, WhatIsNotWellFormedIsRefused) {
  for (const char* text : {"",
                           " ",
                           "a",
                           "<",
                           "<a",
                           "<a>",
                           "</a>",
                           "<a></b>",
                           "<a/><b/>",
                           "<a/>x",
                           "x<a/>",
                           "<a b=></a>",
                           "<a b=\"></a>",
                           "<a b=\"<\"/>",
                           "<a><![CDATA[</a>",
                           "<!-- <a/>",
                           "<?x <a/>",
                           "<a>\x01</a>",
                           "<a b=\"\x02\"/>",
                           "<a>\xFF</a>",
                           "<![CDATA[x]]><a/>",
                           "<a></a></a>",
                           "<a\x03/>",
                           "<![CDATA[<a/>]]>"})
    EXPECT_EQ(code_of(text), Code::invalid) << text;
}

TEST(Xml, AnUnpairedSurrogateIsRefused) {
  std::string bytes = to_utf16le("<a>xx</a>");
  bytes[7] = '\xD8';
  EXPECT_EQ(code_of(bytes), Code::invalid);
  bytes[7] = '\xDC';
  EXPECT_EQ(code_of(bytes), Code::invalid);
  EXPECT_EQ(code_of(to_utf16le("<a/>") + ">"), Code::invalid);  // odd length
}

TEST(Xml, LimitsAreMetBeforeMemoryIsSpent) {
  std::string deep, wide = "<a>", attributes = "<a";
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 600'000; ++i) wide += "<b/>";
  for (int i = 0; i < 600'000; ++i) attributes += " a=\"\"";
  EXPECT_EQ(code_of(deep), Code::too_large);
  EXPECT_EQ(code_of(wide + "</a>"), Code::too_large);
  EXPECT_EQ(code_of(attributes + "/>"), Code::too_large);
  EXPECT_EQ(code_of("<a>" + std::string(100, 'x') + "</a>", {50, 8, 8}), Code::too_large);
  EXPECT_EQ(code_of("<a><b><c/></b></a>", {100, 2, 8}), Code::internal);
  EXPECT_EQ(code_of("<a><b><c></c></b></a>", {100, 2, 8}), Code::too_large);
}

TEST(XmlWriter, ClosesEmptyElementsShortAndEscapes) {
  XmlWriter x;
  x.open("A").attr("b", "<\"&'\n").leaf("E").leaf("F", "a<b>&\"c\x01").open("G").cdata("x]]>y").close();
  EXPECT_EQ(x.take(),
            "<A b=\"&lt;&quot;&amp;&apos;&#10;\"><E/><F>a&lt;b&gt;&amp;\"c</F>"
            "<G><![CDATA[x]]]]><![CDATA[>y]]></G></A>");
}

TEST(XmlWriter, ReadsBackWhatItWrites) {
  const std::string value = "line\nnext\ttab <&>\"' ]]> \xC3\xA9";
  XmlWriter x;
  x.open("A").attr("v", value).leaf("T", value).open("C").cdata(value).close();
  auto parsed = XmlDocument::parse(x.take());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->root().attr("v"), value);
  EXPECT_EQ(parsed->root().child("T").text(), value);
  EXPECT_EQ(parsed->root().child("C").text(), value);
}

TEST(Zlib, InflatesWhatItDeflated) {
  for (const std::size_t size : {0U, 1U, 1000U, 200'000U, 3'000'000U}) {
    std::string bytes(size, 'x');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * i >> 3);
    auto back = inflate_zlib(deflate_zlib(bytes));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, bytes);
  }
}

TEST(Zlib, ABombIsStoppedAtTheLimit) {
  const std::string bomb = deflate_zlib(std::string(8U << 20, '\0'));
  EXPECT_LT(bomb.size(), 10'000U);
  EXPECT_EQ(inflate_zlib(bomb, (8U << 20) - 1).error().code, Code::too_large);
  EXPECT_EQ(inflate_zlib(bomb, 100).error().code, Code::too_large);
  EXPECT_EQ(inflate_zlib(bomb, 8U << 20)->size(), 8U << 20);
}

TEST(Zlib, ABrokenStreamIsRefused) {
  const std::string good = deflate_zlib("some text that is long enough to be cut in the middle");
  EXPECT_EQ(inflate_zlib("").error().code, Code::invalid);
  EXPECT_EQ(inflate_zlib("plain").error().code, Code::invalid);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(inflate_zlib(std::string_view(good).substr(0, n))) << n;
  EXPECT_TRUE(inflate_zlib(good + "behind"));
}

}  // namespace
}  // namespace fp::wire
