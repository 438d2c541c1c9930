#include "cli/help.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fp::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const ManualPage kPage{"sample-tool", "8", "show a sample", {{"0", "done"}}, {{"/etc/sample", "its settings"}}, "sample(1)"};

class CliHelpTest : public testing::Test {
 protected:
  CliHelpTest() : app_("A sample. It has verbs.") {
    app_.add_flag("--json", json_, "print JSON");
    auto* thing = app_.add_subcommand("thing", "things");
    auto* add = thing->add_subcommand("add", "add a thing");
    add->add_option("name", name_, "its name");
    add->add_option("--colour", colour_, "of the thing")->check(CLI::IsMember({"red", "green"}));
    thing->add_subcommand("list", "all things");
    add_help_verbs(app_, kPage);
  }
  std::vector<std::string> after(std::vector<std::string> words) { return candidates(app_, words); }

  CLI::App app_;
  bool json_ = false;
  std::string name_, colour_;
};

TEST_F(CliHelpTest, VerbsAreOfferedAtTheirPlace) {
  EXPECT_THAT(after({""}), ElementsAre("thing", "completion", "man"));
  EXPECT_THAT(after({"th"}), ElementsAre("thing"));
  EXPECT_THAT(after({"thing", ""}), ElementsAre("add", "list"));
  EXPECT_THAT(after({"--json", "thing", "l"}), ElementsAre("list"));
  EXPECT_THAT(after({"nothing", "x"}), IsEmpty());
}

TEST_F(CliHelpTest, OptionsOfTheVerbAndOfTheProgram) {
  EXPECT_THAT(after({"thing", "add", "--"}), ElementsAre("--help", "--colour", "--json", "--version"));
  EXPECT_THAT(after({"thing", "add", "--co"}), ElementsAre("--colour"));
}

TEST_F(CliHelpTest, ValuesWhereOnlySomeAreAccepted) {
  EXPECT_THAT(after({"thing", "add", "--colour", ""}), ElementsAre("red", "green"));
  EXPECT_THAT(after({"thing", "add", "--colour", "red", ""}), IsEmpty());
  EXPECT_THAT(after({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(after({"completion", "bash", ""}), IsEmpty());
}

TEST_F(CliHelpTest, TheManualNamesEveryVerbWithItsOptions) {
  const std::string page = manual(app_, kPage);
  EXPECT_THAT(page, HasSubstr(".TH SAMPLE\\-TOOL 8"));
  EXPECT_THAT(page, HasSubstr("sample\\-tool \\- show a sample"));
  EXPECT_THAT(page, HasSubstr(".SS sample\\-tool thing add\nadd a thing\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-colour\\fR \\fIred|green\\fR\nof the thing"));
  EXPECT_THAT(page, HasSubstr("\\fI/etc/sample\\fR\nits settings"));
}

TEST_F(CliHelpTest, AHiddenVerbIsNowhere) {
  app_.add_subcommand("inner", "not for people")->group("");
  EXPECT_THAT(after({"in"}), IsEmpty());
  EXPECT_THAT(manual(app_, kPage), testing::Not(HasSubstr("inner")));
}

}  // namespace
}  // namespace fp::cli
