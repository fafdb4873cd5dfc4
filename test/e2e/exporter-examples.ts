/** The examples of the exporter that this replaces: what its users paste in, and what they must get. */
export interface ExporterExample {
  readonly name: string;
  readonly configuration: object;
  readonly records: readonly object[];
  readonly lines: readonly string[];
}

const france = {
  pk: "qa_001",
  question: "What is the capital of France?",
  context: "France is a country in Western Europe",
  answer: "Paris is the capital of France.",
  importance: 0.9,
};

const dialogue = "Interference happens where waves meet; amplitudes add up, and so peaks grow or vanish with phase.";

export const asOf = "2026-01-01T00:00:00Z";

export const exporterExamples: readonly ExporterExample[] = [
  {
    name: "instruction-tuning",
    configuration: {
      style: "INSTRUCTION_TUNING",
      field_mapping: { instruction_field: "question", input_field: "context", output_field: "answer" },
    },
    records: [france, { pk: "qa_002", question: "2 + 2?", answer: "4" }],
    lines: [
      '{"instruction":"What is the capital of France?","input":"France is a country in Western Europe","output":"Paris is the capital of France.","weight":0.9}',
      '{"instruction":"2 + 2?","output":"4","weight":1.0}',
    ],
  },
  {
    name: "chat-completion",
    configuration: {
      style: "CHAT_COMPLETION",
      field_mapping: {
        system_field: "system_prompt",
        user_field: "user_message",
        assistant_field: "assistant_response",
      },
    },
    records: [
      {
        pk: "chat_001",
        system_prompt: "You are a helpful assistant.",
        user_message: "Explain quantum computing",
        assistant_response: "Quantum computing uses quantum bits...",
        importance: 1.2,
      },
    ],
    lines: [
      '{"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Explain quantum computing"},{"role":"assistant","content":"Quantum computing uses quantum bits..."}],"weight":1.2}',
    ],
  },
  {
    name: "faq",
    configuration: {
      style: "INSTRUCTION_TUNING",
      field_mapping: { instruction_field: "question", output_field: "answer" },
      weighting: { enable_weights: true, weight_field: "upvotes" },
      include_metadata: true,
      metadata_fields: ["source", "category", "tags", "author"],
      options: { output_path: "training_data/faq_lora.jsonl", continue_on_error: true, max_errors: 100 },
    },
    records: [
      {
        pk: "1",
        question: "Q",
        answer: "A",
        upvotes: 17,
        tags: ["physics", "quantum"],
        category: "science",
        source: "wikipedia",
      },
      { pk: "2", question: "Q2", answer: "A2" },
      { pk: "3", question: "no answer" },
    ],
    lines: [
      '{"instruction":"Q","output":"A","metadata":{"source":"wikipedia","category":"science","tags":["physics","quantum"]},"weight":17.0}',
      '{"instruction":"Q2","output":"A2","weight":1.0}',
    ],
  },
  {
    name: "chat-logs",
    configuration: {
      style: "CHAT_COMPLETION",
      field_mapping: { user_field: "user_query", assistant_field: "bot_response" },
      weighting: { auto_weight_by_length: true },
      quality: { min_text_length: 97, max_text_length: 8192, skip_empty_outputs: true, skip_duplicates: true },
    },
    records: [
      { pk: "a", user_query: "Why?", bot_response: dialogue },
      { pk: "b", user_query: "Why?", bot_response: dialogue },
      { pk: "c", user_query: "Why?", bot_response: dialogue.slice(1) },
      { pk: "d", user_query: "Why?", bot_response: "  " },
    ],
    lines: [
      `{"messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":"${dialogue}"}],"weight":1.0485}`,
    ],
  },
  {
    name: "knowledge-base",
    configuration: {
      style: "TEXT_COMPLETION",
      field_mapping: { text_field: "full_text" },
      weighting: { auto_weight_by_freshness: true, timestamp_field: "published_date" },
      include_metadata: true,
      metadata_fields: ["author", "topic", "published_date"],
    },
    records: [
      { pk: "k1", full_text: "Old.", published_date: "2020-05-05", author: "E" },
      { pk: "k2", full_text: "New.", published_date: "2025-07-02T12:00:00Z" },
      { pk: "k3", full_text: "Broken.", published_date: "yesterday" },
    ],
    lines: [
      '{"text":"Old.","metadata":{"author":"E","published_date":"2020-05-05"},"weight":1.0}',
      '{"text":"New.","metadata":{"published_date":"2025-07-02T12:00:00Z"},"weight":1.25}',
    ],
  },
];
