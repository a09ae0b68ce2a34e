import { expect, test } from 'vitest';
import { Together } from './together.ts';

test('what is asked while a question is under way is asked together, and after it', async () => {
  const asked: (readonly number[])[] = [];
  const open: (() => void)[] = [];
  const together = new Together<number, number>(async (items) => {
    asked.push(items);
    await new Promise<void>((resolve) => open.push(resolve));
    return items.length;
  });
  const first = together.ask('a', 1);
  await expect.poll(() => open.length).toBe(1);
  const others = [together.ask('a', 2), together.ask('a', 3)];
  const elsewhere = together.ask('b', 4);
  await expect.poll(() => open.length).toBe(2);

  expect(asked).toEqual([[1], [4]]);

  open.forEach((resolve) => resolve());
  await expect.poll(() => open.length).toBe(3);
  open.at(-1)?.();

  expect(await Promise.all([first, ...others, elsewhere])).toEqual([1, 2, 2, 1]);
  expect(asked).toEqual([[1], [4], [2, 3]]);
});

test('an error is told to those who asked, and to nobody after them', async () => {
  const together = new Together<string, string>(([word]) =>
    word === 'bad' ? Promise.reject(new Error('no such word')) : Promise.resolve(word ?? ''),
  );
  const answers = await Promise.allSettled([together.ask('a', 'bad'), together.ask('a', 'worse')]);

  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await together.ask('a', 'good')).toBe('good');
  await together.idle();
});
