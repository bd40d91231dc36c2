import {
  cleanActionInputs,
  diffActionInputs,
  lintInputs,
  previewActionInputs,
  rootInputs,
  verifyInputs,
} from "./action-inputs.ts";
import { buildInputs } from "./build-inputs.ts";
import { cleanInputs } from "./clean-inputs.ts";
import { diffInputs } from "./diff-inputs.ts";
import { type Inputs, isIn } from "./inputs.ts";
import { launchInputs } from "./launch-inputs.ts";
import { previewInputs } from "./preview-inputs.ts";
import { setupInputs } from "./setup-inputs.ts";

/** The inputs of each action, by the directory of its action.yml; `npm run inputs` writes them there. */
export const actionTables: Readonly<Record<string, Inputs>> = {
  ".": forJobs({ ...rootInputs, ...buildInputs }),
  "actions/setup": forJobs(setupInputs),
  "actions/lint": forJobs(lintInputs),
  "actions/verify": forJobs({ ...verifyInputs, ...launchInputs }),
  "actions/preview": forJobs({ ...previewActionInputs, ...previewInputs }),
  "actions/diff": forJobs({ ...diffActionInputs, ...diffInputs }),
  "actions/clean": forJobs({ ...cleanActionInputs, ...cleanInputs }),
};

function forJobs(inputs: Inputs): Inputs {
  return Object.fromEntries(Object.entries(inputs).filter(([, input]) => isIn("job", input)));
}
