// What a site changes in a directory, at a stand-in of one; the real one is in
// tests/test_directory_publishing.py.
#include "directory/publication.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace fp;
using namespace fp::directory;

namespace {

const std::string kContainer = "CN=System Management,CN=System,DC=corp,DC=test";

class StandIn final : public DirectoryAccess {
 public:
  std::map<std::string, wire::DirectoryObject> objects;  // by place
  bool container = true, may_make = true, may_write = true;
  int writes = 0;

  Result<std::vector<DirectoryEntry>> children(const std::string& where, const std::string& filter) override {
    EXPECT_EQ(where, kContainer);
    EXPECT_EQ(filter, wire::published_filter("FP1"));
    if (!container) return fail(Code::not_found, "searching: No such object");
    std::vector<DirectoryEntry> out;
    for (const auto& [place, o] : objects) out.push_back({place, o});
    return out;
  }
  Status add(const std::string& place, const wire::DirectoryAttributes& attributes) override {
    if (place == kContainer) {
      if (!may_make) return fail(Code::forbidden, "creating {}: Insufficient access", place);
      container = true;
      return {};
    }
    FP_CHECK(write(place));
    auto kept = attributes;
    for (auto& [name, values] : kept) std::ranges::reverse(values);  // a directory keeps no order
    objects[place] = {place.substr(3, place.find(',') - 3), kept};
    return {};
  }
  Status replace(const std::string& place, const wire::DirectoryAttributes& attributes) override {
    FP_CHECK(write(place));
    for (const auto& [name, values] : attributes) {
      if (values.empty())
        objects[place].attributes.erase(name);
      else
        objects[place].attributes[name] = values;
    }
    return {};
  }
  Status remove(const std::string& place) override {
    FP_CHECK(write(place));
    objects.erase(place);
    return {};
  }

 private:
  Status write(const std::string& place) {
    ++writes;
    if (!may_write) return fail(Code::forbidden, "dc1: {}: Insufficient access", place);
    return {};
  }
};

std::vector<wire::DirectoryObject> wanted(const std::string& version = "0.1.0", bool second = true) {
  std::vector out{wire::encode_published(wire::PublishedSite{"FP1", version, std::string(64, 'a')}),
                  wire::encode_published(
                      wire::PublishedManagementPoint{"FP1", "a.corp.test", "https://a.corp.test:443", ""})};
  if (second)
    out.push_back(wire::encode_published(
        wire::PublishedManagementPoint{"FP1", "b.corp.test", "https://b.corp.test:443", ""}));
  return out;
}

Result<Published> publish_to(StandIn& directory, const std::vector<wire::DirectoryObject>& objects) {
  return publish(directory, "corp.test", "FP1", objects, "SITE$@CORP.TEST");
}

}  // namespace

TEST(Publication, MakesChangesAndRemovesOnlyWhatDiffers) {
  StandIn directory;
  const auto first = publish_to(directory, wanted());
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->added.size(), 3U);
  EXPECT_EQ(directory.writes, 3);
  const auto again = publish_to(directory, wanted());
  ASSERT_TRUE(again);
  EXPECT_EQ(directory.writes, 3) << "nothing has changed";
  EXPECT_EQ(again->objects.size(), 3U);
  const auto less = publish_to(directory, wanted("0.2.0", false));
  ASSERT_TRUE(less);
  EXPECT_EQ(less->changed, std::vector<std::string>{"Farpoint-Site-FP1"});
  EXPECT_EQ(less->removed, std::vector<std::string>{"Farpoint-MP-FP1-b.corp.test"});
  ASSERT_TRUE(publish_to(directory, {}));
  EXPECT_TRUE(directory.objects.empty());
}

TEST(Publication, WhatSomebodyElseAddedToAnObjectGoes) {
  StandIn directory;
  ASSERT_TRUE(publish_to(directory, wanted()));
  auto& site = directory.objects.at("CN=Farpoint-Site-FP1," + kContainer);
  site.attributes["servicednsname"] = {"evil.test"};
  const auto mended = publish_to(directory, wanted());
  ASSERT_TRUE(mended);
  EXPECT_EQ(mended->changed, std::vector<std::string>{"Farpoint-Site-FP1"});
  EXPECT_FALSE(site.attributes.contains("servicednsname"));
}

TEST(Publication, MakesTheContainerWhereItMay) {
  StandIn directory;
  directory.container = false;
  EXPECT_TRUE(publish_to(directory, wanted()));
  EXPECT_TRUE(directory.container);
}

TEST(Publication, WithoutARightItSaysWhichOneAndToWhomItIsToBeGiven) {
  StandIn directory;
  directory.container = directory.may_make = false;
  const auto none = publish_to(directory, wanted());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::forbidden);
  for (const auto* part :
       {"there is no CN=System Management",
        "Give SITE$@CORP.TEST full control of CN=System Management,CN=System,DC=corp,DC=test"})
    EXPECT_NE(none.error().message.find(part), std::string::npos) << none.error().message;
  directory.container = true;
  directory.may_write = false;
  const auto reader = publish_to(directory, wanted());
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().message.find("Give SITE$@CORP.TEST full control"), std::string::npos)
      << reader.error().message;
}
