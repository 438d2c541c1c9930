#include "apps/trust.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"

namespace fp::apps {
namespace {

TEST(Authorities, EveryIssuerCountsBetweenTheHostsOfASite) {
  const Path folder = std::filesystem::temp_directory_path() / ("farpoint-trust-" + new_guid(system_random()));
  ASSERT_TRUE(make_dirs(folder));
  ASSERT_TRUE(write_file(folder / "one.pem", "first\n"));
  ASSERT_TRUE(write_file(folder / "two.pem", "second\n"));
  SiteConfig config;
  config.data = folder;
  EXPECT_EQ(*write_authorities(config), "") << "none named: the machine's own";
  config.issuers = {folder / "one.pem", folder / "two.pem"};
  const auto bundle = write_authorities(config);
  ASSERT_TRUE(bundle) << bundle.error().message;
  const auto text = *read_file(*bundle, 1000);
  EXPECT_NE(text.find("first"), std::string::npos);
  EXPECT_NE(text.find("second"), std::string::npos);
  config.issuers.push_back(folder / "three.pem");
  const auto missing = write_authorities(config);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("three.pem"), std::string::npos) << missing.error().message;
  ASSERT_TRUE(remove_tree(folder));
}

}  // namespace
}  // namespace fp::apps
