// Runs gnuplot as a child process: a script goes in, the bytes of a figure come out. No shell, no temporary files, and
// none of the user's gnuplot settings take part, so the same script gives the same bytes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "lstar/base/result.h"

namespace lstar {

enum class FigureFormat { png, svg, pdf };

inline constexpr std::string_view name(FigureFormat format) {
  switch (format) {
    case FigureFormat::png: return "png";
    case FigureFormat::svg: return "svg";
    case FigureFormat::pdf: return "pdf";
  }
  return "";
}

// A figure before it is drawn. All sizes are in points (1/72 inch), whatever it is drawn as; commands set no terminal
// and no output.
struct Figure {
  double width = 0, height = 0;
  std::string commands;
};

// Draws a figure. Safe from several threads. Fails, saying what to install, where gnuplot is not found, and where it
// takes longer than a minute.
Result<std::string> draw(const Figure&, FigureFormat);

// The same with another program in gnuplot's place, looked up in PATH unless it holds a slash, and another patience.
Result<std::string> draw(const Figure&, FigureFormat, const std::string& program,
                         std::chrono::milliseconds patience = std::chrono::minutes(1));

// A string as gnuplot's single-quoted literal that is safe in a picture of any format: a quote becomes U+2019, what no
// picture can show a blank.
std::string gnuplot_quote(std::string_view text);

}  // namespace lstar
