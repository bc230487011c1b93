// Print the problems that Redocly's recommended rules find in the description at the path in the argument.
import { createConfig, formatProblems, getTotals, lint } from "@redocly/openapi-core";

const rules = {
  // The settings add the server.
  "no-empty-servers": "off",
  // One example is invalid on purpose. The Python tests send every example to the API.
  "no-invalid-media-type-examples": "off",
};
const config = await createConfig({ extends: ["recommended"], rules });
const problems = await lint({ ref: process.argv[2], config });
formatProblems(problems, { format: "codeframe", totals: getTotals(problems) });
process.exitCode = problems.length ? 1 : 0;
