/** Classes of one's own, by camera or pictures: captured, learned in seconds, told apart live, exported; all of it on this machine. */
import { check } from '../../../engine/check.ts';
import { counted } from '../../../engine/counted.ts';
import type { FolderFile } from '../../data/folder.ts';
import { reason } from '../../data/kept.ts';
import { Lesson, type TaughtClass } from '../../data/lessons.ts';
import { newId } from '../../data/new-id.ts';
import { unreadable } from '../../data/pictures.ts';
import { leftOut } from '../../data/refused.ts';
import { inPageWords } from '../../words.ts';
import { Engine } from '../../worker/client.ts';
import type { Api, Samples, TaughtNet } from '../../worker/protocol.ts';
import { button, count, el } from '../dom.ts';
import { classCard, type ClassCard } from './class-card.ts';
import { addPictures, byFolder, capture, isPicture, type Collection } from './collect.ts';
import { FeatureCache } from './features.ts';
import { keeping } from './keeping.ts';
import { place } from './place.ts';
import type { SampleActions } from './sample-list.ts';
import { stage } from './stage.ts';
import { training, type CheckedSample } from './training.ts';
import './teach.css';

/** Shares of the progress of a training that the features of samples, and the head, take. */
const [FEATURES, LEARNED] = [0.4, 0.7];
const NET = /\.(safetensors|onnx|html)$/i;

export class TeachView {
  readonly element: HTMLElement;
  #lesson = new Lesson(why => this.#keeping.place.say(`The browser does not keep samples over a reload: ${reason(why)}.`));
  #engine = new Engine(event => {
    if (event.kind === 'learning') {
      this.#training.progress(FEATURES + (LEARNED - FEATURES) * event.done);
      this.#training.numbers({ learned: event.accuracy });
    } else if (event.kind === 'checking') this.#training.progress(LEARNED + (1 - LEARNED) * event.done);
  });
  #features = new FeatureCache(this.#engine, () => this.#opened());
  #opening: Promise<ReturnType<Api['teachOpen']>> | undefined;
  #cards = new Map<TaughtClass, ClassCard>();
  #capturing: TaughtClass | undefined;
  #busy = false;
  /** What was found of the samples by the last training, and the classes that they were then. */
  #checked: { readonly classes: readonly TaughtClass[]; readonly all: readonly CheckedSample[] } = { classes: [], all: [] };
  /** The samples that the net has learned from, where it was trained here. */
  #learned: string | undefined;

  #actions: SampleActions = {
    classes: () => this.#lesson.classes,
    remove: samples => {
      void this.#lesson.remove(samples);
      this.#changed();
      this.#offerUndo(`${samples.length === 1 ? 'A sample is' : `${count(samples.length)} samples are`} deleted.`, () =>
        this.#lesson.put(samples),
      );
    },
    move: (samples, to) => {
      for (const sample of samples) sample.classId = to.id;
      void this.#lesson.put(samples);
      this.#changed();
    },
  };
  #collection: Collection = {
    lesson: this.#lesson,
    shape: async () => (await this.#opened()).shape,
    changed: () => this.#changed(),
  };
  #stage = stage(image => this.#engine.call('teachAnswer', image));
  #training = training(() => this.#train(), this.#actions);
  #keeping = keeping({
    export: format => this.#engine.call('teachExport', format, document.baseURI),
    load: file => this.#load(file),
    clear: () =>
      this.#keeping.place.say('All samples and the net are deleted for good.', { label: 'Delete all', press: () => this.#clear() }),
  });
  #list = el('ul', { class: 'classes', 'aria-label': 'Classes' });
  #place = place();

  constructor() {
    const hint =
      'Name what it shall tell apart. Hold a button while the camera looks at the thing from all sides, or drop pictures on a class; 20 samples each are a start.';
    this.element = el(
      'div',
      { class: 'train teach' },
      this.#stage.element,
      el(
        'div',
        { class: 'lesson' },
        el(
          'section',
          { class: 'panel', 'aria-label': 'Classes' },
          el('h2', { textContent: 'Classes' }),
          el('p', { class: 'hint', textContent: hint }),
          this.#list,
          el(
            'div',
            { class: 'row' },
            button('Add a class', () => this.#addClass()),
            this.#place.element,
          ),
        ),
        this.#training.element,
        this.#keeping.element,
        this.#training.results,
      ),
    );
  }

  /** The view with what was taught before. */
  static async open(): Promise<TeachView> {
    const view = new TeachView();
    await view.#lesson.open();
    if (!view.#lesson.classes.length) view.#addTwo();
    view.#changed();
    void view.#training.place.told(async () => {
      const { net } = await view.#opened();
      if (net) view.#answerBy(net);
    });
    return view;
  }

  stop(): void {
    this.#capturing = undefined;
    this.#stage.stop();
  }

  /** Takes pictures, folders of them and nets that are dropped at a place of the page. Resolves to whether it took them. */
  async drop(at: Element, files: readonly File[], folders: readonly FolderFile[]): Promise<boolean> {
    const net = files.find(file => NET.test(file.name));
    const pictures = files.filter(isPicture);
    if (!net && !pictures.length && !folders.length) return false;
    if (net) await this.#load(net);
    const rest = files.filter(file => file !== net);
    const card = [...this.#cards].find(([, { element }]) => element.contains(at));
    if (card && (pictures.length || folders.length)) await this.#add(card[0], [...rest, ...folders.map(({ file }) => file)]);
    else await this.#dropBeside(rest, pictures, folders);
    return true;
  }

  /** Takes what is dropped beside all classes: folders of pictures are classes, one picture is looked at. What is left out is said. */
  async #dropBeside(files: readonly File[], pictures: readonly File[], folders: readonly FolderFile[]): Promise<void> {
    const groups = [...byFolder(folders)];
    const one = !groups.length && pictures.length === 1 ? pictures[0] : undefined;
    const none = [...files.filter(file => !isPicture(file)), ...groups.flatMap(([, group]) => (group.some(isPicture) ? [] : group))];
    const said = [
      ...(pictures.length && !one ? ['Drop several pictures on the class that they are of.'] : []),
      ...(none.length ? [leftOut(none.map(file => inPageWords(unreadable(file))))] : []),
    ];
    this.#place.say(said.join(' '));
    for (const [name, group] of groups)
      if (group.some(isPicture)) await this.#add(this.#lesson.classes.find(c => c.name === name) ?? this.#addClass(name), group);
    if (one) await this.#stage.look(one);
  }

  /** The worker with its backbone; asked again after a failure. */
  async #opened(): Promise<ReturnType<Api['teachOpen']>> {
    const opening = (this.#opening ??= this.#engine.call('teachOpen'));
    opening.catch(() => {
      this.#opening = undefined;
    });
    return opening;
  }

  #addClass(name?: string): TaughtClass {
    const { classes } = this.#lesson;
    const free = (n: number): string => (classes.some(c => c.name === `Class ${n}`) ? free(n + 1) : `Class ${n}`);
    const one: TaughtClass = { id: newId(), name: name ?? free(1) };
    void this.#lesson.putClass(one);
    this.#changed();
    return one;
  }

  /** Says what is gone, and brings it back at a press. */
  #offerUndo(text: string, restore: () => Promise<unknown>): void {
    const press = () => {
      this.#place.say();
      void restore();
      this.#changed();
    };
    this.#place.say(text, { label: 'Undo', press });
  }

  /** What one begins with. */
  #addTwo(): void {
    for (let i = 0; i < 2; i++) this.#addClass();
  }

  #card(one: TaughtClass): ClassCard {
    return classCard(one, {
      ...this.#actions,
      rename: name => {
        check(name, 'a class needs a name', 'give it one');
        check(!this.#lesson.classes.some(c => c !== one && c.name === name), `another class is called ${name}`, 'give another name');
        one.name = name;
        void this.#lesson.putClass(one);
        this.#changed();
      },
      removeClass: () => {
        const n = this.#lesson.samplesOf(one).length;
        const restore = this.#lesson.removeClass(one);
        this.#changed();
        this.#offerUndo(`${one.name} with ${counted(n, 'sample')} is deleted.`, () => {
          while (this.#lesson.classes.some(({ name }) => name === one.name)) one.name += ' again'; // its name was given to another meanwhile
          return restore();
        });
      },
      begin: () => {
        this.#capturing = one;
        const { place } = this.#cards.get(one)!;
        void capture(one, this.#collection, this.#stage, place, () => this.#capturing === one).then(() => this.#prepare());
      },
      end: () => {
        this.#capturing = undefined;
      },
      add: files => this.#add(one, files),
    });
  }

  async #add(one: TaughtClass, files: readonly File[]): Promise<void> {
    await addPictures(one, files, this.#collection, this.#cards.get(one)!.place);
    this.#prepare();
  }

  /** Computes what is lacking of the features, so that training need not; what goes wrong is said when it trains. */
  #prepare(): void {
    void this.#features.prepare(this.#lesson.samples).catch(() => undefined);
  }

  async #train(): Promise<void> {
    const { place } = this.#training;
    if (this.#busy) return;
    this.#busy = true;
    await place.told(async () => {
      const classes = this.#lesson.classes.filter(c => this.#lesson.samplesOf(c).length);
      check(classes.length, 'there are no samples yet', 'hold a button to capture some', 'drop pictures on a class');
      check(classes.length > 1, `only ${classes[0]?.name} has samples`, 'capture some of another class too');
      place.say('Looking at the samples …');
      this.#training.progress(0);
      const samples = this.#lesson.samples.filter(({ classId }) => classes.some(({ id }) => id === classId));
      const labels = Uint16Array.from(samples, ({ classId }) => classes.findIndex(({ id }) => id === classId));
      const learned = this.#signature();
      const features = await this.#features.prepare(samples, share => this.#training.progress(FEATURES * share));
      const given: Samples = { features, labels, classes: classes.map(({ name }) => name) };
      place.say('Learning …');
      const begun = performance.now();
      const { accuracy, net, kept } = await this.#engine.call('teachLearn', given);
      this.#learned = learned;
      this.#training.numbers({ learned: accuracy, seconds: (performance.now() - begun) / 1000 });
      this.#answerBy(net);
      if (!kept) this.#keeping.place.say('The browser does not keep the net over a reload: export it.');
      place.say('Learned; now checked on held-out samples …');
      const k = classes.length;
      const probabilities = await this.#engine.call('teachCheck', given);
      const all = samples.map((sample, i) => ({ sample, label: labels[i]!, probabilities: probabilities.slice(i * k, (i + 1) * k) }));
      const isChecked = ({ probabilities: [first] }: CheckedSample) => !Number.isNaN(first);
      this.#check(classes, all.filter(isChecked));
      place.say(`It tells ${k} classes apart. Show it something.`);
    });
    this.#busy = false;
    this.#training.progress(undefined);
    this.#changed();
  }

  async #load(file: File): Promise<void> {
    await this.#keeping.place.told(async () => {
      await this.#opened();
      const { net, kept } = await this.#engine.call('teachLoad', new Uint8Array(await file.arrayBuffer()), file.name);
      this.#learned = undefined;
      this.#answerBy(net);
      const lasts = kept ? '' : '; the browser does not keep it over a reload';
      this.#keeping.place.say(`${file.name}: answers now, ${counted(net.classes.length, 'class', 'classes')}${lasts}.`);
    });
  }

  async #clear(): Promise<void> {
    this.#keeping.place.say();
    this.#learned = undefined;
    if (this.#busy) await this.#engine.close(); // or its net would come when all is deleted
    await this.#engine.call('teachForget');
    this.#answerBy(undefined);
    await this.#lesson.clear();
    this.#addTwo();
    this.#training.clear();
  }

  #answerBy(net: TaughtNet | undefined): void {
    this.#stage.answerBy(net);
    this.#keeping.has(net !== undefined);
  }

  #check(classes: readonly TaughtClass[], all: readonly CheckedSample[]): void {
    this.#checked = { classes, all };
    this.#training.checked(classes, all);
  }

  /** Which samples of which classes there are. */
  #signature(): string {
    const { classes, samples } = this.#lesson;
    return JSON.stringify([classes.map(({ name }) => name), samples.map(({ id, classId }) => [id, classId])]);
  }

  /** Shows the classes and samples as they are now. */
  #changed(): void {
    const { classes, samples } = this.#lesson;
    for (const [one, { element }] of this.#cards) {
      if (classes.includes(one)) continue;
      element.remove();
      this.#cards.delete(one);
    }
    for (const [i, one] of classes.entries()) {
      if (!this.#cards.has(one)) this.#cards.set(one, this.#card(one));
      const { element, show } = this.#cards.get(one)!;
      if (this.#list.children[i] !== element) this.#list.insertBefore(element, this.#list.children[i] ?? null);
      show(this.#lesson.samplesOf(one));
    }
    this.#training.numbers({ samples: samples.length });
    const { classes: then, all } = this.#checked;
    const stays = all.filter(({ sample, label }) => samples.includes(sample) && sample.classId === then[label]!.id);
    if (stays.length < all.length) this.#check(then, stays);
    if (!this.#busy && this.#learned !== undefined && this.#learned !== this.#signature())
      this.#training.place.say('The samples have changed since it learned: train again.');
  }
}
