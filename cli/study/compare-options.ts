/** The options of `descent compare`, as the command line gives them. */
export interface CompareOptions {
  adapter?: string;
  tune?: boolean;
  model?: string;
  dataset?: string;
  target?: string;
  optimizer?: string;
  lr?: string;
  epochs?: string;
  limitTrain?: string;
  limitTest?: string;
  seed?: string;
  delay?: string[];
  out?: string;
  dataDir?: string;
  json?: boolean;
  quiet?: boolean;
}
