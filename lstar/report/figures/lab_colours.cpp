#include <algorithm>
#include <array>
#include <set>

#include "lstar/report/figures/figure.h"

namespace lstar {

std::vector<LabColour> lab_colours(const StudyResult& result) {
  std::vector<std::string> labs;
  for (const ModelResult& model : result.models) labs.push_back(model.entry.lab);
  return lab_colours(labs);
}

std::vector<LabColour> lab_colours(const std::vector<std::string>& named) {
  struct Named {
    std::string_view lab, colour;
  };
  constexpr std::array<Named, 4> notebook{Named{"EleutherAI", "#E74C3C"}, Named{"Meta", "#3498DB"},
                                          Named{"BigScience", "#27AE60"}, Named{"OpenAI", "#9B59B6"}};
  // Okabe and Ito's and Tol's colours; what resembles the 10 % line comes last.
  constexpr std::array<std::string_view, 10> palette{"#0072B2", "#CC79A7", "#009E73", "#D55E00", "#882255",
                                                     "#999933", "#56B4E9", "#332288", "#117733", "#E69F00"};
  const std::set<std::string> labs(named.begin(), named.end());

  std::vector<LabColour> colours;
  std::set<std::string_view> used;
  for (const std::string& lab : labs) colours.push_back({lab, {}});
  const auto give = [&](auto matches) {
    for (LabColour& entry : colours)
      for (const Named& known : notebook)
        if (entry.colour.empty() && !used.contains(known.lab) && matches(entry.lab, known.lab)) {
          entry.colour = known.colour;
          used.insert(known.lab);
        }
  };
  give([](std::string_view lab, std::string_view known) { return lab == known; });
  give([](std::string_view lab, std::string_view known) { return lab.find(known) != std::string_view::npos; });
  size_t next = 0;
  for (LabColour& entry : colours)
    if (entry.colour.empty()) entry.colour = palette[next++ % palette.size()];
  return colours;
}

std::string short_name(std::string_view model) {
  while (!model.empty() && model.back() == '/') model.remove_suffix(1);
  return std::string(model.substr(model.rfind('/') + 1));
}

}  // namespace lstar
