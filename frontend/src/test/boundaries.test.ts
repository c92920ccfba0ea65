import { ESLint } from 'eslint';
import { expect, test } from 'vitest';

import boundaries from '../../eslint.boundaries.js';

const eslint = new ESLint({ overrideConfigFile: true, baseConfig: boundaries });

test.each([
  ['src/features/feed/a.js', '@/features/post/PostPage', 1],
  ['src/features/feed/a.js', '../post/PostPage', 1],
  ['src/features/feed/deep/a.js', '../../post', 1],
  ['src/features/post/a.js', '../../features/feed/PostCard', 1],
  ['src/features/post/a.js', '@/app/App', 1],
  ['src/components/a.js', '@/features/feed/FeedPage', 1],
  ['src/lib/a.js', '../components/Button', 1],
  ['src/features/feed/a.js', '@/components/Button', 0],
  ['src/features/feed/a.js', './PostCard', 0],
  ['src/features/feed/a.js', '@/lib/post', 0],
  ['src/features/post/a.js', 'feed', 0],
  ['src/components/a.js', '@/lib/api', 0],
  ['src/app/a.js', '@/features/feed/FeedPage', 0],
])('%s imports %s: %i wrong', async (filePath, imported, wrong) => {
  const [result] = await eslint.lintText(`import '${imported}';\n`, { filePath });
  expect(result?.messages.map(({ ruleId }) => ruleId)).toEqual(Array<string>(wrong).fill('no-restricted-imports'));
});
