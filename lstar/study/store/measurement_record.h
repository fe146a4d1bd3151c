// A measurement as bytes: whole, or in the two parts that the store keeps, what is of the checkpoint and what is of one
// prompt. Numbers keep their bits, NaN's included. What is read back fits together: every array is empty or has the
// sizes that the shape gives it, every prompt ran or says why not. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lstar/study/measurement.h"
#include "lstar/study/store/bytes.h"
#include "lstar/study/store/prompt_observation.h"

namespace lstar {

// Whether a measurement fits together, as above.
Result<void> check_fits(const Measurement&, const std::string& source);

// A whole measurement; one that does not fit together is refused.
Result<std::string> measurement_record(const Measurement&);
Result<Measurement> read_measurement_record(std::string_view bytes, const std::string& source);

// The same without prompts and what was seen of them.
std::string model_record(const Measurement&);
Result<Measurement> read_model_record(std::string_view bytes, const std::string& source);

std::string prompt_record(const PromptObservation&);
Result<PromptObservation> read_prompt_record(std::string_view bytes, const std::string& source);

// Parts that other records are made of. Enumerations are kept by their names, which no later version moves.
void write(ByteWriter&, const Error&);
void write(ByteWriter&, const Identity&);
void write(ByteWriter&, const std::optional<PromptId>&);
void write(ByteWriter&, const PromptsRead&);
Dtype read_dtype(ByteReader&);
HeadLayout read_head_layout(ByteReader&);
Error read_error(ByteReader&);
Identity read_identity(ByteReader&);
std::optional<PromptId> read_prompt_id(ByteReader&);
PromptsRead read_prompts_read(ByteReader&);

}  // namespace lstar
