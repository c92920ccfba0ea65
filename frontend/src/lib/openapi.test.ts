import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test.each(['posts', 'comments', 'moderator', 'query'])('the types of %s are those of its document (npm run types)', async (name) => {
  const written = readFileSync(join(root, `src/lib/openapi/${name}.d.ts`), 'utf8');
  const types = astToString(await openapiTS(pathToFileURL(join(root, `../docs/openapi/${name}.yaml`))));
  expect(written === COMMENT_HEADER + types).toBe(true); // not toBe(types): that would show thousands of lines
});
