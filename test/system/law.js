/** The tests, in the order in which they were stated. */
export const registered = [];

/**
 * States a law: a sentence, and a function that throws where it does not hold. What `show` resolves with is printed beside the
 * sentence: which message was seen, how many moments were tried.
 */
export function law(name, show) {
  registered.push({ name, show });
}
