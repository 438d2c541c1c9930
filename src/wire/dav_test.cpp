#include "wire/dav.hpp"

#include <gtest/gtest.h>

namespace fp::wire {
namespace {

const Instant kAt = *parse_http_date("Sun, 22 Nov 2026 14:52:20 GMT");
const DavResource kFolder{"https://dp/SMS_DP_SMSPKG$/LAB00002.1/", "LAB00002.1", true, 0, kAt, ""};
const DavResource kFile{"https://dp/SMS_DP_SMSPKG$/LAB00002.1/a%20b", "a b", false, 3, kAt, "\"abc\""};

TEST(Dav, AnAbsentDepthIsOne) {
  EXPECT_EQ(*parse_depth(""), DavDepth::one);
  EXPECT_EQ(*parse_depth("0"), DavDepth::zero);
  EXPECT_EQ(*parse_depth(" 1 "), DavDepth::one);
  EXPECT_EQ(*parse_depth("Infinity"), DavDepth::infinity);
  EXPECT_FALSE(parse_depth("2"));
}

TEST(Dav, AnEmptyBodyIsAllprop) {
  EXPECT_EQ(decode_propfind("")->kind, PropfindKind::allprop);
  EXPECT_EQ(decode_propfind("<propfind xmlns=\"DAV:\"><allprop/></propfind>")->kind, PropfindKind::allprop);
  EXPECT_EQ(decode_propfind("<a:propfind xmlns:a=\"DAV:\"><a:propname/></a:propfind>")->kind, PropfindKind::propname);
}

TEST(Dav, PropertiesAreReadWithTheirNamespaces) {
  const auto request = decode_propfind(
      "<?xml version=\"1.0\"?><D:propfind xmlns:D='DAV:'><D:prop><D:getetag/><x "
      "xmlns='urn:x'/><D:getetag/></D:prop></D:propfind>");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->properties, (std::vector<DavName>{{"DAV:", "getetag"}, {"urn:x", "x"}}));
}

TEST(Dav, BadBodiesAreRefused) {
  for (const char* body :
       {"<propfind", "<propfind/>", "<propfind xmlns=\"DAV:\"/>", "<D:propfind/>",
        "<D:propfind xmlns:D=\"DAV:\"><D:prop><bar:foo xmlns:bar=\"\"/></D:prop></D:propfind>",
        "<D:propfind xmlns:D=\"DAV:\"><D:prop><b:foo/></D:prop></D:propfind>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><propfind xmlns=\"DAV:\"><allprop/></propfind>",
        "<propfind xmlns=\"DAV:\"><allprop/><propname/></propfind>"})
    EXPECT_FALSE(decode_propfind(body)) << body;
  EXPECT_EQ(decode_propfind(std::string(kPropfindBodyBytesMax + 1, ' ')).error().code, Code::too_large);
}

TEST(Dav, AllpropHasTheGoldenBytes) {
  EXPECT_EQ(encode_multistatus({}, {kFolder, kFile}),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\n"
            "<D:response><D:href>https://dp/SMS_DP_SMSPKG$/LAB00002.1/</D:href><D:propstat><D:prop>"
            "<D:resourcetype><D:collection/></D:resourcetype><D:displayname>LAB00002.1</D:displayname>"
            "<D:getcontentlength>0</D:getcontentlength>"
            "<D:getlastmodified>Sun, 22 Nov 2026 14:52:20 GMT</D:getlastmodified>"
            "<D:creationdate>2026-11-22T14:52:20Z</D:creationdate><D:iscollection>1</D:iscollection><D:supportedlock/>"
            "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n"
            "<D:response><D:href>https://dp/SMS_DP_SMSPKG$/LAB00002.1/a%20b</D:href><D:propstat><D:prop>"
            "<D:resourcetype/><D:displayname>a b</D:displayname><D:getcontentlength>3</D:getcontentlength>"
            "<D:getcontenttype>application/octet-stream</D:getcontenttype>"
            "<D:getlastmodified>Sun, 22 Nov 2026 14:52:20 GMT</D:getlastmodified>"
            "<D:creationdate>2026-11-22T14:52:20Z</D:creationdate><D:getetag>&quot;abc&quot;</D:getetag>"
            "<D:iscollection>0</D:iscollection><D:supportedlock/>"
            "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n</D:multistatus>\n");
}

TEST(Dav, UnknownPropertiesGoIntoTheirOwn404) {
  const auto request =
      decode_propfind("<D:propfind xmlns:D='DAV:'><D:prop><D:getcontentlength/><q xmlns='urn:q'/></D:prop></D:propfind>");
  const std::string reply = encode_multistatus(*request, {kFile});
  EXPECT_NE(reply.find("<D:prop><D:getcontentlength>3</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK"),
            std::string::npos);
  EXPECT_NE(reply.find("<x:q xmlns:x=\"urn:q\"/></D:prop><D:status>HTTP/1.1 404 Not Found"), std::string::npos);
}

TEST(Dav, WhatIsWrittenIsReadBack) {
  const auto read = decode_multistatus(encode_multistatus({}, {kFolder, kFile}));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_TRUE((*read)[0].collection);
  EXPECT_EQ((*read)[1].href, kFile.href);
  EXPECT_EQ((*read)[1].name, "a b");
  EXPECT_EQ((*read)[1].size_bytes, 3);
  EXPECT_EQ((*read)[1].modified, kAt);
  EXPECT_EQ((*read)[1].etag, "\"abc\"");
  EXPECT_FALSE(decode_multistatus("<x/>"));
}

}  // namespace
}  // namespace fp::wire
