export type Style = 'good' | 'bad' | 'warn' | 'dim' | 'strong' | 'production' | 'drill';

/** The palette: each function dresses a text for the terminal, or returns it as it is when there is no colour. */
export type Colour = Readonly<Record<Style, (text: string) => string>>;

const asItIs = (text: string) => text;

/** No colour at all: files, pipes and tests. */
export const plainColour: Colour = {
  good: asItIs,
  bad: asItIs,
  warn: asItIs,
  dim: asItIs,
  strong: asItIs,
  production: asItIs,
  drill: asItIs,
};
