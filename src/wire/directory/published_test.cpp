// Golden objects of a site in a directory, and answers that are none.
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "wire/directory/published.hpp"

using namespace fp;
using namespace fp::wire;

namespace {

const std::string kPrint(64, 'a');

PublishedManagementPoint point() {
  return {"FP1", "site.corp.test", "https://site.corp.test:443", "https://mp.example.test:8443"};
}

std::string why_not(const DirectoryObject& o) {
  const auto found = decode_published({o});
  if (!found || found->refused.empty()) return {};
  EXPECT_TRUE(found->sites.empty() && found->management_points.empty());
  return found->refused.front();
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(Published, TheObjectsOfASiteAreThese) {
  const DirectoryObject site{
      "Farpoint-Site-FP1",
      {{"objectclass", {"serviceConnectionPoint"}},
       {"keywords", {"Farpoint", "SiteCode=FP1"}},
       {"serviceclassname", {"farpoint-site"}},
       {"servicebindinginformation", {"version=0.1.0", "signing-certificate=" + kPrint}}}};
  EXPECT_EQ(encode_published(PublishedSite{"FP1", "0.1.0", kPrint}), site);
  const DirectoryObject mp{
      "Farpoint-MP-FP1-site.corp.test",
      {{"objectclass", {"serviceConnectionPoint"}},
       {"keywords", {"Farpoint", "SiteCode=FP1"}},
       {"serviceclassname", {"farpoint-management-point"}},
       {"servicednsname", {"site.corp.test"}},
       {"servicednsnametype", {"A"}},
       {"servicebindinginformation",
        {"intranet=https://site.corp.test:443", "internet=https://mp.example.test:8443"}}}};
  EXPECT_EQ(encode_published(point()), mp);
  const auto read = decode_published({site, mp});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sites, (std::vector{PublishedSite{"FP1", "0.1.0", kPrint}}));
  EXPECT_EQ(read->management_points, std::vector{point()});
  EXPECT_TRUE(read->refused.empty());
}

TEST(Published, TheNamesOfObjectsFitIntoTheDirectory) {
  auto long_named = point();
  long_named.name = std::string(60, 'a') + ".corp.example";
  auto other = long_named;
  other.name = std::string(60, 'a') + ".corp.test";
  EXPECT_EQ(encode_published(long_named).name.size(), 64U);
  EXPECT_NE(encode_published(long_named).name, encode_published(other).name);
  EXPECT_EQ(published_place("Farpoint-Site-FP1", "corp.test"),
            "CN=Farpoint-Site-FP1,CN=System Management,CN=System,DC=corp,DC=test");
  EXPECT_EQ(published_filter("FP1"),
            "(&(objectClass=serviceConnectionPoint)(keywords=Farpoint)(keywords=SiteCode=FP1))");
  EXPECT_EQ(published_filter(""), "(&(objectClass=serviceConnectionPoint)(keywords=Farpoint))");
}

TEST(Published, WhatIsNotOursIsPassedOver) {
  auto other = encode_published(point());
  other.attributes["keywords"] = {"SiteCode=FP1", "SomethingElse"};
  auto later = encode_published(point());
  later.attributes["serviceclassname"] = {"farpoint-something-of-a-later-version"};
  auto more = encode_published(point());
  more.attributes["servicebindinginformation"].push_back("weather=fine");
  const auto read = decode_published({other, later, more});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->management_points, std::vector{point()});
  EXPECT_TRUE(read->refused.empty());
}

TEST(Published, WhatKeepsToNoGrammarIsNamedAndLeftOut) {
  const auto with = [](const std::string& attribute, std::vector<std::string> values) {
    auto o = encode_published(point());
    o.attributes[attribute] = std::move(values);
    return why_not(o);
  };
  EXPECT_TRUE(says(with("keywords", {"Farpoint"}), "no site code"));
  EXPECT_TRUE(says(with("keywords", {"Farpoint", "SiteCode=FP1", "SiteCode=FP2"}), "two site codes"));
  EXPECT_FALSE(with("keywords", {"Farpoint", "SiteCode=../x"}).empty());
  EXPECT_FALSE(with("servicednsname", {"a b"}).empty());
  EXPECT_FALSE(with("servicednsname", {"a.test", "b.test"}).empty());
  EXPECT_TRUE(says(with("servicebindinginformation", {}), "no address"));
  for (const auto* url : {"ftp://a.test:1", "https://a.test:0", "https://a.test:70000", "https://a.test/x",
                          "https://u@a.test:1", "https://a:b:1", "https://"})
    EXPECT_FALSE(with("servicebindinginformation", {std::string("intranet=") + url}).empty()) << url;
  EXPECT_FALSE(with("servicebindinginformation", {"internet=http://a.test:80"}).empty());
  EXPECT_TRUE(says(with("servicebindinginformation", {"intranet=https://a.test", "intranet=https://b.test"}),
                   "twice"));
  EXPECT_TRUE(says(with("servicebindinginformation", {std::string(2000, 'x')}), "bytes"));
  EXPECT_TRUE(says(with("keywords", std::vector<std::string>(40, "Farpoint")), "values"));
  auto site = encode_published(PublishedSite{"FP1", "0.1.0", "12"});
  EXPECT_TRUE(says(why_not(site), "SHA-256"));
  site.name = "a\nb";
  EXPECT_TRUE(says(why_not(site), "an object: "));
}

TEST(Published, WhatIsNoTextIsNotQuoted) {
  auto o = encode_published(point());
  o.attributes["servicednsname"] = {"site.\xff\xff.test"};
  const auto why = why_not(o);
  EXPECT_FALSE(why.empty());
  EXPECT_TRUE(is_utf8(why)) << why;
}

TEST(Published, ADirectoryThatAnswersWithoutEndIsRefused) {
  const auto read =
      decode_published(std::vector<DirectoryObject>(kPublishedObjectsMax + 1, encode_published(point())));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::too_large);
}

TEST(Published, PortsAreSpeltOut) {
  auto bare = point();
  bare.intranet_url = "http://[2001:db8::1]";
  bare.internet_url = "https://mp.example.test";
  const auto read = decode_published({encode_published(bare)});
  ASSERT_TRUE(read);
  ASSERT_EQ(read->management_points.size(), 1U);
  EXPECT_EQ(read->management_points[0].intranet_url, "http://[2001:db8::1]:80");
  EXPECT_EQ(read->management_points[0].internet_url, "https://mp.example.test:443");
}
