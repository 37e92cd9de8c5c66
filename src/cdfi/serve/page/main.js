// The page: connects its parts.

import { call, followEvents } from "./api.js";
import { openBrowser } from "./browser.js";
import { openCompare } from "./compare.js";
import { byId, notice } from "./dom.js";
import { Estimate } from "./estimate.js";
import { JobList } from "./jobs.js";
import { OptionsForm } from "./options.js";
import { SourceList } from "./sources.js";
import { showStored } from "./stored.js";
import { TEXT, fillText } from "./text.js";
import { setUpTheme } from "./theme.js";

const PREVIEW = 2; // seconds

fillText();
setUpTheme(byId("theme"));
const jobs = new JobList(byId("job-list"), { onCompare: openCompare });
followEvents({
  onSnapshot: (all) => jobs.replaceAll(all),
  onJob: (job) => jobs.update(job),
  onRemoved: (id) => jobs.remove(id),
  onConnection: showConnection,
});
call("api/about").then(setUp, (error) => notice(error.message));

function setUp(about) {
  const estimate = new Estimate(byId("estimate"));
  const sources = new SourceList(byId("sources"), refresh);
  const form = new OptionsForm(byId("options"), about, refresh);

  function refresh() {
    const { selected, ready } = sources;
    byId("result").hidden = !selected;
    if (!selected) return;
    form.showFor(selected.facts.kind);
    byId("start").textContent = ready.length > 1 ? TEXT.startMany(ready.length) : TEXT.start;
    byId("beside-label").hidden = !ready.some((source) => source.ref.paths);
    byId("preview").hidden = selected.facts.kind !== "video";
    estimate.update(selected, optionsOf(selected));
  }

  function optionsOf(source) {
    return { ...form.request(source.facts.kind), ...source.scrubber?.options() };
  }

  // Interpolate two seconds before all other jobs, and compare them when they are done.
  async function preview() {
    const { selected } = sources;
    const options = { ...form.request("video"), ...selected.scrubber.previewOptions(PREVIEW) };
    try {
      const job = await call("api/jobs", { method: "POST", body: { source: selected.ref, options, preview: true } });
      jobs.openWhenDone = job.id;
    } catch (error) {
      notice(error.message);
    }
  }

  async function start() {
    byId("start").disabled = true;
    try {
      for (const source of [...sources.ready]) {
        const options = optionsOf(source);
        const inPlace = Boolean(source.ref.paths) && byId("beside").checked;
        await call("api/jobs", { method: "POST", body: { source: source.ref, options, in_place: inPlace } });
        sources.remove(source);
      }
      showStored(useStored);
      byId("jobs").scrollIntoView({ block: "nearest", behavior: "smooth" });
    } catch (error) {
      notice(error.message);
    }
    byId("start").disabled = false;
  }

  const useStored = (id, name) => sources.addStored(id, name);
  showStored(useStored);
  addEventListener("beforeunload", (event) => {
    if (sources.uploading) event.preventDefault();
  });
  byId("start").addEventListener("click", start);
  byId("preview").addEventListener("click", preview);
  byId("browse").hidden = !about.root;
  byId("browse").addEventListener("click", () => openBrowser((paths, name) => sources.addPaths(paths, name)));
  setUpFiles((files) => sources.addFiles(files));
}

function setUpFiles(onFiles) {
  const drop = byId("drop");
  const picker = byId("picker");
  byId("choose").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    onFiles([...picker.files]);
    picker.value = "";
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    onFiles([...event.dataTransfer.files]);
  });
}

function showConnection(good) {
  const node = byId("connection");
  node.textContent = good ? TEXT.connected : TEXT.disconnected;
  node.classList.toggle("lost", !good);
}
