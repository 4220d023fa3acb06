/** The words of the card that is on the screen, in their order. */
export function wordsOnScreen(screen: string): string[] {
  const numbered = [...screen.matchAll(/\b(\d{1,2}) ([a-z]{3,8})\b/g)].map(
    ([, number, word = '']) => [Number(number), word] as const,
  );
  return numbered
    .filter(([number]) => number <= 17)
    .sort(([a], [b]) => a - b)
    .map(([, word]) => word);
}
