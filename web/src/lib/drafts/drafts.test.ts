import { describe, expect, it } from "vitest";
import { loadDraft, onRestored, restoreDraft, saveDraft } from ".";
import { MemoryStorage } from "./testing";

const draft = (text: string, at = 1) => ({ text, conversationId: "cnv_1", uploads: [], at });

describe("drafts", () => {
  it("are kept apart by ticket and by mode", () => {
    const storage = new MemoryStorage();
    saveDraft(storage, "tkt_1", "reply", draft("hello"));
    saveDraft(storage, "tkt_1", "note", draft("안녕"));
    expect(loadDraft(storage, "tkt_1", "reply")?.text).toBe("hello");
    expect(loadDraft(storage, "tkt_1", "note")?.text).toBe("안녕");
    expect(loadDraft(storage, "tkt_2", "reply")).toBeNull();
  });

  it("vanish when emptied", () => {
    const storage = new MemoryStorage();
    saveDraft(storage, "tkt_1", "reply", draft("hello"));
    saveDraft(storage, "tkt_1", "reply", draft(""));
    expect(storage.length).toBe(0);
  });

  it("forget the oldest when there are too many, and nothing that is not a draft", () => {
    const storage = new MemoryStorage();
    storage.setItem("meari.preferences", "{}");
    for (let n = 0; n < 205; n += 1) saveDraft(storage, `tkt_${n}`, "reply", draft("x", n));
    expect(loadDraft(storage, "tkt_0", "reply")).toBeNull();
    expect(loadDraft(storage, "tkt_204", "reply")?.text).toBe("x");
    expect(storage.getItem("meari.preferences")).toBe("{}");
  });

  it("survive a storage that refuses to store", () => {
    const storage = new MemoryStorage();
    storage.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    expect(() => saveDraft(storage, "tkt_1", "reply", draft("hello"))).not.toThrow();
  });
});

describe("a draft that comes back", () => {
  it("stands above what was written since, and tells the editor that has it open", () => {
    const storage = new MemoryStorage();
    const heard: string[] = [];
    const stop = onRestored((ticketId, mode, { text }) => heard.push(`${ticketId} ${mode} ${text}`));
    saveDraft(storage, "tkt_1", "reply", draft("and one more thing"));
    restoreDraft(storage, "tkt_1", "reply", draft("first"));
    stop();
    restoreDraft(storage, "tkt_2", "reply", draft("alone"));
    expect(loadDraft(storage, "tkt_1", "reply")?.text).toBe("first\nand one more thing");
    expect(loadDraft(storage, "tkt_2", "reply")?.text).toBe("alone");
    expect(heard).toEqual(["tkt_1 reply first\nand one more thing"]);
  });

  it("brings its files and the channel it was meant for", () => {
    const storage = new MemoryStorage();
    const file = { id: "att_1", name: "a.png", mediaType: "image/png", sizeBytes: 1 };
    restoreDraft(storage, "tkt_1", "reply", { ...draft(""), uploads: [file], conversationId: "cnv_2" });
    expect(loadDraft(storage, "tkt_1", "reply")).toMatchObject({ uploads: [file], conversationId: "cnv_2" });
  });
});
