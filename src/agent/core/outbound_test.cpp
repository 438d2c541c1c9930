#include "agent/core/outbound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fp::agent {
namespace {

using ::testing::HasSubstr;

Environment surroundings(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

Path credentials(const char* name, const std::string& text, unsigned mode = 0600) {
  const Path file = Path(::testing::TempDir()) / name;
  EXPECT_TRUE(write_file(file, text, mode));
  return file;
}

TEST(Outbound, ClientSettingsComeBeforeTheInstallationAndThatBeforeTheEnvironment) {
  InstallSettings s;
  s.proxy = "http://installed:3128";
  s.no_proxy = "installed.example";
  const auto out = ways_out(s, {{"client_policy.proxy", "http://told:8080"}, {"client_policy.no_proxy", "told.example"}},
                            surroundings({{"HTTPS_PROXY", "http://around:1"}, {"NO_PROXY", "around.example"}}));
  ASSERT_TRUE(out) << out.error().message;
  const std::vector<ProxyWay> wanted = {{"http://told:8080", "client settings", "told.example", "", ""},
                                        {"http://installed:3128", "installation", "installed.example", "", ""},
                                        {"http://around:1", "environment", "around.example", "", ""}};
  EXPECT_EQ(out->proxies, wanted);
  EXPECT_TRUE(out->direct);
  EXPECT_FALSE(out->on_intranet);
}

TEST(Outbound, WithoutAnyProxyThereIsTheDirectWayEvenIfOnlyProxiesWereWanted) {
  InstallSettings s;
  s.proxy_only = true;
  const auto out = ways_out(s, {}, surroundings({}));
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->proxies.empty());
  EXPECT_TRUE(out->direct);
  s.proxy = "proxy:3128";
  const auto with = ways_out(s, {}, surroundings({}));
  ASSERT_TRUE(with);
  EXPECT_EQ(with->proxies.at(0).url, "http://proxy:3128");
  EXPECT_FALSE(with->direct);
}

// The seed, prerequisites: "Mobile devices must have a direct internet connection."
TEST(Outbound, AMobileDeviceHasTheDirectWayAloneAndIsToldWhatIsIgnored) {
  InstallSettings s;
  s.proxy = "installed:3128";
  s.proxy_only = s.proxy_intranet = true;
  s.proxy_credentials = "/nowhere/login";
  const auto around = surroundings({{"HTTPS_PROXY", "http://some:word@around:1"}});
  const auto out = ways_out(s, {{"client_policy.proxy", "http://told:8080"}}, around, DeviceKind::mobile);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(out->proxies.empty());
  EXPECT_TRUE(out->direct);
  EXPECT_FALSE(out->on_intranet);
  EXPECT_EQ(out->ignored,
            "a mobile device must have a direct internet connection: not used is http://told:8080 (from the client settings), "
            "http://installed:3128 (from the installation), http://around:1 (from the environment)");
  EXPECT_EQ(ways_out({}, {}, surroundings({}), DeviceKind::mobile)->ignored, "");
  EXPECT_EQ(ways_out({}, {}, around)->ignored, "") << "a computer uses it";
}

TEST(Outbound, TheEnvironmentIsReadAsCurlReadsIt) {
  const auto small = ways_out({}, {}, surroundings({{"https_proxy", "small:1"}, {"HTTPS_PROXY", "large:1"}}));
  EXPECT_EQ(small->proxies.at(0).url, "http://small:1");
  const auto all = ways_out({}, {}, surroundings({{"ALL_PROXY", "socks5h://all:1080"}}));
  EXPECT_EQ(all->proxies.at(0).url, "socks5h://all:1080");
  const auto login = ways_out({}, {}, surroundings({{"HTTPS_PROXY", "http://some%40one:p%3Aw@proxy:3128"}}));
  const ProxyWay wanted{"http://proxy:3128", "environment", "", "some@one", "p:w"};
  EXPECT_EQ(login->proxies.at(0), wanted);
}

TEST(Outbound, CredentialsGoToProxiesOfAnAdministratorOnly) {
  InstallSettings s;
  s.proxy = "http://installed:3128";
  s.proxy_credentials = credentials("proxy-login", "agent:se:cret\nmore\n").string();
  const auto out = ways_out(s, {{"client_policy.proxy", "http://told:8080"}}, surroundings({{"HTTPS_PROXY", "http://around:1"}}));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->proxies.at(0).user, "agent");
  EXPECT_EQ(out->proxies.at(1).password, "se:cret");
  EXPECT_EQ(out->proxies.at(2).user, "");
}

TEST(Outbound, ACredentialsFileThatOthersMayReadIsRefused) {
  const auto open = read_credentials(credentials("proxy-open", "agent:secret\n", 0644));
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, Code::forbidden);
  EXPECT_THAT(open.error().message, HasSubstr("mode 0600"));
  const auto shapeless = read_credentials(credentials("proxy-shape", "secret\n"));
  ASSERT_FALSE(shapeless);
  EXPECT_THAT(shapeless.error().message, HasSubstr("user:password"));
  EXPECT_EQ(shapeless.error().message.find("secret"), std::string::npos);
  EXPECT_FALSE(read_credentials("/nowhere/login"));
  InstallSettings s;
  s.proxy_credentials = "/nowhere/login";
  EXPECT_FALSE(ways_out(s, {}, surroundings({})));
}

TEST(Outbound, TheIntranetIsReachedDirectlyUnlessSaidOtherwise) {
  EXPECT_TRUE(ways_out({}, {{"client_policy.proxy_on_intranet", "true"}}, surroundings({}))->on_intranet);
  InstallSettings s;
  s.proxy_intranet = true;
  EXPECT_TRUE(ways_out(s, {}, surroundings({}))->on_intranet);
}

}  // namespace
}  // namespace fp::agent
